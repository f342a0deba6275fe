import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createLog } from '../../src/lib/log.ts'
import { hashSecret, type Token } from '../../src/server/acl/acl-file.ts'
import { needs } from '../../src/server/acl/needs.ts'
import type { Policy } from '../../src/server/acl/policy.ts'
import { pluginID, startTestServer, type TestServer, volumeBody } from '../fakes/api-server.ts'
import { type AclRow, aclRows, capabilities, grantSets, nameOf, policyOf } from './acl-rows.ts'
import { createDescribeFault, type DescribeFault } from './describe-fault.ts'

/** The alternatives of the matrix, each granted in the namespace `own` alone. */
const alternatives = aclRows.flatMap(({ needs }) => needs).filter((grants) => grants.length > 0)

const secretOf = (name: string) => `secret of ${name}`
const token = (name: string, fields: Partial<Token> = {}): Token => ({
  accessorID: name,
  type: 'client',
  policies: [name],
  secretHash: hashSecret(secretOf(name)),
  ...fields,
})
const policies: Record<string, Policy> = {
  anonymous: { namespace: { open: { policy: 'read' } } },
  teams: {
    namespace: { 'team-*': { policy: 'write' }, 'team-secret': { policy: 'deny' } },
    plugin: { policy: 'read' },
  },
  everything: { namespace: { '*': { policy: 'write' } }, plugin: { policy: 'read' } },
  ...Object.fromEntries(grantSets.map((grants) => [nameOf(grants), policyOf(grants)])),
  ...Object.fromEntries(alternatives.map((grants) => [`own:${nameOf(grants)}`, policyOf(grants, 'own')])),
}
const tokens = [
  token('root', { type: 'management', policies: [] }),
  token('teams'),
  token('ended', { policies: ['everything'], expirationTime: '2020-01-01T00:00:00Z' }),
  ...grantSets.map((grants) => token(nameOf(grants))),
  ...[...new Set(alternatives.map((grants) => `own:${nameOf(grants)}`))].map((name) => token(name)),
]

let server: TestServer
let directory: string
let aclFile: string
let describeFault: DescribeFault
const lines: string[] = []

const as = (name: string) => ({ 'x-nomad-token': secretOf(name) })
const fill = <Value>(value: Value): Value =>
  value === undefined
    ? value
    : JSON.parse(JSON.stringify(value).replaceAll('{p}', 'p-').replaceAll('{plugin}', pluginID))
const ask = ({ method, path, body }: AclRow, headers: Record<string, string>) =>
  path.startsWith('/v1/event/stream')
    ? beginStream(path, headers)
    : server.call(method, fill(path), fill(body), headers)

/** What a stream, which has no end, begins with; or its refusal. */
async function beginStream(path: string, headers: Record<string, string>) {
  const response = await fetch(`${server.url}${path}`, { headers })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  const { value: text = '' } = (await reader?.read()) ?? {}
  await reader?.cancel()
  const [firstLine = ''] = text.split('\n')
  return { status: response.status, headers: response.headers, text: firstLine }
}

/** Everything that the plugin was asked to do; what a probe asks, in its own time, is none of it. */
const effects = () =>
  server.plugin.calls.filter(({ rpc }) =>
    /^(Create|Delete|Controller(?!GetCapabilities)|Node(Pub|Unp|Sta|Uns))/.test(rpc),
  )

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'mooring-acl-'))
  aclFile = join(directory, 'acl.json')
  writeFileSync(aclFile, JSON.stringify({ policies, tokens }))
  const log = createLog('error', { write: (line) => lines.push(line) })
  server = await startTestServer({ aclFile, log, limits: { connectionsPerClient: 1000 } })
  describeFault = createDescribeFault((await server.call('GET', '/v1/openapi.json')).text)
  for (const name of ['open', 'team-a', 'team-b', 'team-secret', 'other']) {
    await server.call('PUT', `/v1/namespace/${name}`, undefined, as('root'))
    const answer = await server.call(
      'PUT',
      `/v1/volume/csi/${name}-volume/create`,
      volumeBody(`${name}-volume`, { Namespace: name }),
      as('root'),
    )
    expect(answer.text).toContain(name)
  }
})
afterAll(async () => {
  await server.dispose()
  rmSync(directory, { recursive: true })
})

describe('the matrix has every operation', () => {
  it('that the server serves', () => {
    const patternOf = (path: string) =>
      new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+').replaceAll('*', '.*')}$`)
    const unseen = Object.keys(needs).filter((operation) => {
      const [method = '', path = ''] = operation.split(' ')
      return !aclRows.some(
        (row) => row.method === method && patternOf(path).test(row.path.split('?')[0] ?? ''),
      )
    })
    expect(unseen.filter((operation) => !operation.includes(':rest'))).toEqual([])
  })
})

describe.each(aclRows.map((row) => [`${row.method} ${row.path}`, row] as const))('%s', (_title, row) => {
  it('is allowed by just what it needs', async () => {
    for (const grants of grantSets) {
      const allowed = row.needs.some((alternative) => alternative.every((grant) => grants.includes(grant)))
      const before = effects().length
      const answer = await ask(row, as(nameOf(grants)))
      const seen = {
        grants,
        status: answer.status === 403 ? 403 : 'another',
        effects: effects().length - before,
      }
      expect(seen).toEqual({ grants, status: allowed ? 'another' : 403, effects: 0 })
      if (!allowed) expect(answer.text).toBe('Permission denied')
    }
  })

  it('is allowed to a management token', async () => {
    const answer = await ask(row, as('root'))
    expect(answer.status).not.toBe(403)
    expect(describeFault(row.method, fill(row.path), answer)).toBeUndefined()
  })

  it.each([
    ['none, where nothing is granted to all', {}],
    ['one that is not known', { 'x-nomad-token': randomUUID() }],
    ['one that has ended', as('ended')],
    ['one that is malformed', { 'x-nomad-token': '../../etc/passwd\t"' }],
    ['one as a bearer that is not known', { authorization: `Bearer ${randomUUID()}` }],
  ])('with a token that is %s', async (title, headers) => {
    const forAll = row.needs.some((alternative) => alternative.length === 0)
    // The anonymous policy has read in `open`, so that the lists of all namespaces answer, with what is there.
    const anonymousSees = title.startsWith('none') && (forAll || row.path.includes('namespace=*'))
    const answer = await ask(row, headers)
    expect([answer.status === 403, answer.status === 403 ? answer.text : '']).toEqual(
      anonymousSees ? [false, ''] : [true, 'Permission denied'],
    )
  })
})

/** Where a request may name its namespace, and in which it then is. */
const places = (row: AclRow): readonly { readonly namespace: string; readonly row: AclRow }[] => {
  const inQuery = (namespace: string): AclRow => ({
    ...row,
    path: `${row.path.replace(/[?&]namespace=\*/, '')}${row.path.replace(/[?&]namespace=\*/, '').includes('?') ? '&' : '?'}namespace=${namespace}`,
  })
  const body = row.body as { Volume?: object; Volumes?: object[]; Snapshots?: object[] } | undefined
  const inBody = (namespace: string): AclRow =>
    body?.Volume !== undefined
      ? { ...row, body: { Volume: { ...body.Volume, Namespace: namespace } } }
      : body?.Volumes === undefined
        ? { ...row, body: { ...body, Namespace: namespace } }
        : { ...row, body: { Volumes: body.Volumes.map((volume) => ({ ...volume, Namespace: namespace })) } }
  const absent = { namespace: 'default', row: { ...row, path: row.path.replace(/[?&]namespace=\*/, '') } }
  const names = ['own', 'other', 'default', '*']
  return [
    absent,
    ...names.map((namespace) => ({
      // A body that names the namespace of each volume leaves nothing for the query to say.
      namespace:
        body?.Volumes === undefined || !('Namespace' in (body.Volumes[0] ?? {})) ? namespace : 'default',
      row: inQuery(namespace),
    })),
    ...(body?.Volume || body?.Volumes || body?.Snapshots
      ? names.map((namespace) => ({ namespace, row: inBody(namespace) }))
      : []),
  ]
}

describe('a token of one namespace reaches no other, wherever a request names it', () => {
  const isOfNamespace = ({ needs }: AclRow) =>
    needs.length > 0 &&
    needs.every((alternative) => alternative.some((grant) => capabilities.some((name) => name === grant)))
  const bound = aclRows.filter((row) => isOfNamespace(row) && !row.path.startsWith('/v1/namespace/'))

  it.each(bound.map((row) => [`${row.method} ${row.path}`, row] as const))('%s', async (_title, row) => {
    expect(row.needs.length).toBeGreaterThan(0)
    for (const alternative of row.needs) {
      const headers = as(`own:${nameOf(alternative)}`)
      for (const { namespace, row: asked } of places(row)) {
        const before = effects().length
        const { status } = await ask(asked, headers)
        // `*` is every namespace that the token may see; what it names there is found in none.
        const allowed = namespace === 'own' || namespace === '*'
        const seen = {
          path: asked.path,
          body: asked.body,
          refused: status === 403,
          effects: effects().length - before,
        }
        expect(seen).toEqual({ path: asked.path, body: asked.body, refused: !allowed, effects: 0 })
      }
    }
  })
})

describe('namespaces', () => {
  const listAs = async (name: string | undefined, namespace: string, more = '') => {
    const path = `/v1/volumes?type=csi&namespace=${namespace}${more}`
    const answer = await server.call('GET', path, undefined, name === undefined ? {} : as(name))
    return answer.status === 200 ? answer.json.map(({ ID }: { ID: string }) => ID) : answer.status
  }

  it('are listed together as far as the token sees them', async () => {
    expect(await listAs('teams', '*')).toEqual(['team-a-volume', 'team-b-volume'])
    expect(await listAs('teams', '*', '&filter=Namespace+!%3D+""')).toEqual([
      'team-a-volume',
      'team-b-volume',
    ])
    expect(await listAs(undefined, '*')).toEqual(['open-volume'])
    expect(await listAs('root', '*')).toHaveLength(5)
  })

  it('are paged as far as the token sees them', async () => {
    const first = await server.call(
      'GET',
      '/v1/volumes?type=csi&namespace=*&per_page=1',
      undefined,
      as('teams'),
    )
    const next = first.headers.get('x-nomad-nexttoken') ?? ''
    expect(await listAs('teams', '*', `&next_token=${next}`)).toEqual(['team-b-volume'])
  })

  it('are granted by globs, and a rule of the very name comes first', async () => {
    expect(await listAs('teams', 'team-a')).toEqual(['team-a-volume'])
    expect(await listAs('teams', 'team-secret')).toBe(403)
    expect(await listAs('teams', 'other')).toBe(403)
  })

  it('of the body count, whatever the query says', async () => {
    const steal = volumeBody('stolen', { Namespace: 'other' })
    const before = effects().length
    for (const path of ['/v1/volume/csi/stolen/create', '/v1/volume/csi/stolen', '/v1/volumes']) {
      const answer = await server.call('PUT', `${path}?namespace=team-a`, steal, as('teams'))
      expect(answer.status).toBe(403)
    }
    const mixed = { Volumes: [...volumeBody('a', { Namespace: 'team-a' }).Volumes, ...steal.Volumes] }
    expect((await server.call('PUT', '/v1/volumes', mixed, as('teams'))).status).toBe(403)
    expect(effects()).toHaveLength(before)
  })

  it('are listed and searched as far as the token sees them', async () => {
    const names = async (name: string) =>
      (await server.call('GET', '/v1/namespaces', undefined, as(name))).json.map(
        ({ Name }: { Name: string }) => Name,
      )
    expect(await names('teams')).toEqual(['team-a', 'team-b'])
    const search = { Prefix: '', Context: 'all' }
    const found = await server.call('PUT', '/v1/search?namespace=*', search, as('teams'))
    expect(found.json.Matches).toEqual({
      volumes: ['team-a-volume', 'team-b-volume'],
      plugins: [pluginID],
      host_volumes: [],
      namespaces: ['team-a', 'team-b'],
      nodes: [],
      allocs: [],
    })
    const blind = await server.call('PUT', '/v1/search?namespace=*', search, as('nothing'))
    expect(Object.values(blind.json.Matches).flat()).toEqual([])
  })
})

describe('tokens', () => {
  it('come as a bearer too, and X-Nomad-Token comes first', async () => {
    const path = '/v1/volumes?type=csi&namespace=team-a'
    const authorization = `bearer ${secretOf('teams')}`
    expect((await server.call('GET', path, undefined, { authorization })).status).toBe(200)
    expect((await server.call('GET', path, undefined, { authorization, ...as('nothing') })).status).toBe(403)
  })

  it('that are taken out of the file end blocked queries without an answer', async () => {
    const name = nameOf(['csi-read-volume'])
    const { headers } = await server.call('GET', '/v1/volumes?type=csi', undefined, as(name))
    const path = `/v1/volumes?type=csi&index=${headers.get('x-nomad-index')}`
    const blocked = server.call('GET', path, undefined, as(name))
    writeFileSync(
      aclFile,
      JSON.stringify({ policies, tokens: tokens.filter(({ accessorID }) => accessorID !== name) }),
    )
    await vi.waitFor(
      async () => expect((await server.call('GET', '/v1/regions', undefined, as(name))).status).toBe(403),
      { timeout: 10_000 },
    )
    await server.call('PUT', '/v1/volume/csi/wakes/create', volumeBody('wakes'), as('root'))
    expect((await blocked).status).toBe(403)
  })

  it('stay as they were where the file is broken', async () => {
    writeFileSync(aclFile, '{"policies":')
    await vi.waitFor(() => expect(lines.join()).toContain('ACL goes on as it was'), { timeout: 10_000 })
    expect((await server.call('GET', '/v1/volumes?type=csi', undefined, as('root'))).status).toBe(200)
    expect((await server.call('GET', '/v1/volumes?type=csi')).status).toBe(403)
  })
})

it('the ACL shows in what the agent says of itself', async () => {
  const { json } = await server.call('GET', '/v1/agent/self', undefined, as('root'))
  expect(json.config.ACL).toEqual({ Enabled: true })
})
