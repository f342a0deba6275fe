import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TSchema } from 'typebox'
import { Check, Errors } from 'typebox/value'
import { Agent, request } from 'undici'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { apiRoutes } from '../../../src/operator/admin/http/routes.ts'
import type { Action } from '../../../src/wire/dashboard/common.ts'
import type { ObjectDetail } from '../../../src/wire/dashboard/object.ts'
import type { Overview } from '../../../src/wire/dashboard/overview.ts'
import { Session } from '../../../src/wire/dashboard/session.ts'
import type { PlanAnswer } from '../../../src/wire/dashboard/sources.ts'
import { ask, listen } from '../../helpers/dashboard-client.ts'
import { runMooring } from '../../helpers/run-mooring.ts'
import { startUp } from '../../helpers/start-up.ts'
import { suiteDirectory } from '../../helpers/temporary-directory.ts'

const planted = 'planted-9f2c7a51'
const orderHeader = { 'mooring-request': '1' }

const volume = (name: string, more = '') => `apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata: { name: ${name}, labels: { app: web } }
spec:
  pluginID: directories
  capacity: { min: 10Mi }
  capabilities: [{ accessMode: single-node-writer, attachmentMode: file-system }]
${more}`

const nightly = `apiVersion: mooring.dev/v1alpha1
kind: SnapshotSchedule
metadata: { name: nightly }
spec:
  schedule: '0 3 * * *'
  timeZone: Europe/Berlin
  volumes: { selector: { matchLabels: { app: web } } }
  retention: { keepLast: 2, keepDaily: 7 }
`

/** A secret in the wrong place, as people write it. */
const broken = `apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata: { name: broken }
spec:
  pluginID: directories
  secrets:
    password: ${planted}
  capabilitys: []
`

// All tests here use one operator.
const root = suiteDirectory()
const folder = join(root, 'declarations')
const dataDirectory = join(root, 'data')
const tokenFile = join(root, 'tokens')
const tokens = { viewer: 'viewer-token-0123456789', operator: 'operator-token-0123456789' }
let up: Awaited<ReturnType<typeof startUp>>
let base = ''

async function start(flags: readonly string[] = []) {
  const parameters = ['--http-ui', '127.0.0.1:0', ...flags]
  const environment = { MOORING_SECRET_DISK: planted }
  const running = await startUp(folder, dataDirectory, parameters, environment, (kill) => kills.push(kill))
  const [, url = ''] = await running.printed(/^Dashboard\s+(http:\S+)/)
  return { running, url }
}

/** The latest answer, once it satisfies. */
const until = <Answer>(path: string, satisfies: (answer: Answer) => boolean, headers = {}) =>
  vi.waitFor(
    async () => {
      const answer = (await ask(base, path, { headers })).json() as Answer
      expect(satisfies(answer), JSON.stringify(answer).slice(0, 2000)).toBe(true)
      return answer
    },
    { timeout: 30_000, interval: 100 },
  )

const actionOf = (detail: ObjectDetail, id: string) =>
  detail.actions.find((action) => action.id === id) as Action

const write = (file: string, text: string) => writeFileSync(join(folder, file), text)

beforeAll(async () => {
  mkdirSync(folder)
  write('web.yaml', volume('web', '  secrets: { disk: { fromEnv: MOORING_SECRET_DISK } }\n'))
  write('cifs.yaml', volume('cifs', `  mountOptions: { mountFlags: ['password=${planted}'] }\n`))
  write('nightly.yaml', nightly)
  write('broken.yaml', broken)
  writeFileSync(tokenFile, `# who\nviewer vera ${tokens.viewer}\noperator olaf ${tokens.operator}\n`)
  const started = await start(['--ui-token-file', tokenFile])
  up = started.running
  base = started.url
  await until<Overview>('/api/overview', ({ counts }) => counts.Ready === 2 && counts.Stalled === 1)
}, 60_000)

const kills: (() => void)[] = []
afterAll(() => {
  for (const kill of kills) kill()
})

describe('the API for people', () => {
  const paths: Readonly<Record<string, string>> = {
    '/api/object': '/api/object?key=Volume%2Fdefault%2Fweb',
  }

  it('answers each route in the shape that its schema says', async () => {
    for (const { method, path, answer } of apiRoutes) {
      if (method !== 'GET') continue
      const given = await ask(base, paths[path] ?? path)
      expect(given.status, `${path}: ${given.text}`).toBe(200)
      expect(faultsOf(answer, given.json()), path).toEqual([])
    }
    expect(faultsOf(Session, (await ask(base, '/api/session')).json())).toEqual([])
  })

  it('says in a sentence how things stand, and where the mistake in a file is', async () => {
    const overview = (await ask(base, '/api/overview')).json() as Overview
    expect(overview.sentence).toBe('2 of 3 as declared; 3 need you.')
    expect(overview.needsPerson[0]).toMatchObject({ object: { name: 'cifs' }, reason: 'InvalidArgument' })
    expect(overview.plugins).toMatchObject([{ id: 'directories', isHealthy: true, volumes: 2 }])
    const sources = (await ask(base, '/api/sources')).json() as {
      problems: { excerpt: { lines: string[] } }[]
    }
    expect(sources.problems).toMatchObject([
      { type: 'invalid', file: 'broken.yaml', line: 7 },
      { type: 'invalid', file: 'broken.yaml', line: 8 },
    ])
    expect(sources.problems[0]?.excerpt.lines.join('\n')).toContain('hidden')
  })

  it('finds, filters, sorts and pages the table', async () => {
    const rows = async (query: string) => {
      const { rows, total } = (await ask(base, `/api/objects?${query}`)).json() as {
        rows: { object: { name: string } }[]
        total: number
      }
      return { names: rows.map(({ object }) => object.name), total }
    }
    expect(await rows('text=app%3Dweb')).toEqual({ names: ['cifs', 'web'], total: 2 })
    expect(await rows('kind=SnapshotSchedule')).toEqual({ names: ['nightly'], total: 1 })
    expect(await rows('sort=name&descending=true&size=1&page=2')).toEqual({ names: ['nightly'], total: 3 })
    expect((await ask(base, '/api/objects?sorted=name')).status).toBe(400)
  })

  it('answers 304 to whoever has the answer already, and 404 for what is not there', async () => {
    const first = await ask(base, '/api/objects?size=2')
    const etag = String(first.headers.etag)
    const again = await ask(base, '/api/objects?size=2', { headers: { 'if-none-match': etag } })
    expect([again.status, again.text]).toEqual([304, ''])
    expect((await ask(base, '/api/object?key=Volume/default/none')).status).toBe(404)
    expect((await ask(base, '/api/none')).status).toBe(404)
  })

  it('compresses for whoever takes that, and nobody else', async () => {
    const path = '/api/openapi.json'
    const plain = await ask(base, path)
    expect(plain.headers['content-encoding']).toBeUndefined()
    for (const [takes, gets] of [
      ['br, gzip;q=0.5', 'gzip'],
      ['gzip;q=0, deflate', null],
    ] as const) {
      const answer = await fetch(new URL(path, base), { headers: { 'accept-encoding': takes } })
      const { headers } = answer
      expect([headers.get('content-encoding'), headers.get('vary')]).toEqual([gets, 'accept-encoding'])
      expect(headers.get('etag')).toBe(plain.headers.etag)
      expect(await answer.text()).toBe(plain.text)
    }
    const short = await ask(base, '/api/session', { headers: { 'accept-encoding': 'gzip' } })
    expect(short.headers['content-encoding']).toBeUndefined()
  })

  it('shows no secret, wherever one was written', async () => {
    const documents = { documents: broken }
    const all = [
      ...[
        'overview',
        'objects',
        'recoverability',
        'schedules',
        'sources',
        'orphans',
        'activity',
        'openapi.json',
      ],
      ...['web', 'cifs'].map((name) => `object?key=Volume/default/${name}`),
    ].map((path) => ask(base, `/api/${path}`))
    all.push(ask(base, '/api/plan', { method: 'POST', headers: orderHeader, body: documents }))
    for (const answer of await Promise.all(all)) expect(answer.text).not.toContain(planted)
    expect(JSON.stringify(up.log)).not.toContain(tokens.operator)
  })

  it('plans a pasted document with its risk for data, and does nothing', async () => {
    const pasted = volume('web').replace('10Mi', '20Mi')
    const answer = await ask(base, '/api/plan', {
      method: 'POST',
      headers: orderHeader,
      body: { documents: `${pasted}---\n${volume('new')}` },
    })
    const plan = answer.json() as PlanAnswer
    expect(answer.status, answer.text).toBe(200)
    expect(plan.changes.map(({ object, step, risk }) => [object.name, step, risk])).toEqual(
      expect.arrayContaining([['new', 'create-volume', 'none']]),
    )
    expect(plan.sentence).toContain('No data would be destroyed')
    expect(up.directories()).not.toContain('new')
    const other = join(root, 'other')
    mkdirSync(other)
    writeFileSync(join(other, 'new.yaml'), volume('new'))
    const folderPlan = (headers: Record<string, string>) =>
      ask(base, '/api/plan', { method: 'POST', headers, body: { folder: other } })
    expect((await folderPlan(orderHeader)).status, 'a viewer').toBe(403)
    const ofFolder = (await folderPlan({ authorization: `Bearer ${tokens.operator}` })).json() as PlanAnswer
    // What the other sources declare is left out.
    expect(ofFolder.changes.map(({ object, step }) => [object.name, step])).toEqual([
      ['new', 'create-volume'],
    ])
  }, 30_000)

  it('answers the same on the admin socket', async () => {
    const { stdout } = await runMooring(['status', '--data-dir', dataDirectory, '-o', 'json'])
    expect(JSON.parse(stdout).rows).toHaveLength(5)
    const socket = new Agent({ connect: { socketPath: join(dataDirectory, 'operator', 'admin.sock') } })
    const answer = await request('http://mooring/api/objects', { dispatcher: socket })
    expect(await answer.body.text()).toBe((await ask(base, '/api/objects')).text)
    await socket.close()
  })
})

describe('who may do what', () => {
  const session = async (headers = {}) => (await ask(base, '/api/session', { headers })).json() as Session
  const suspend = { type: 'suspend', key: 'Volume/default/cifs' }
  const order = (headers: Record<string, string>) =>
    ask(base, '/api/orders', { method: 'POST', headers, body: suspend })

  it('lets everybody on this machine read, and nobody give orders', async () => {
    expect(await session()).toMatchObject({ role: 'viewer', via: 'loopback', mayWrite: false })
    expect(await session({ 'x-forwarded-for': '203.0.113.7' })).not.toHaveProperty('role')
    expect((await ask(base, '/api/overview', { headers: { 'x-forwarded-for': '203.0.113.7' } })).status).toBe(
      401,
    )
    expect((await order(orderHeader)).status).toBe(403)
  })

  it('takes tokens by the role that the file gives them', async () => {
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
    expect((await order(bearer(tokens.viewer))).status).toBe(403)
    expect((await order(bearer('wrong-token-0123456789'))).status).toBe(401)
    const taken = await order(bearer(tokens.operator))
    expect([taken.status, taken.text]).toEqual([200, expect.stringContaining('is suspended')])
    const detail = await until<ObjectDetail>(
      '/api/object?key=Volume/default/cifs',
      ({ row }) => row.isSuspended,
    )
    expect(detail.orders[0]?.by).toEqual({ via: 'dashboard, by token', user: 'olaf' })
    expect(actionOf(detail, 'suspend').refusal).toContain('already')
    const resume = { ...suspend, type: 'resume' }
    await ask(base, '/api/orders', { method: 'POST', headers: bearer(tokens.operator), body: resume })
  })

  it('begins a session with a cookie that no script and no other site gets, and ends it', async () => {
    const login = (token: string) =>
      ask(base, '/api/login', { method: 'POST', headers: orderHeader, body: { token } })
    expect((await login('wrong-token-0123456789')).status).toBe(401)
    const answer = await login(tokens.operator)
    const [setCookie = ''] = answer.headers['set-cookie'] ?? []
    expect(setCookie).toMatch(/^mooring-session=[\w-]{40,}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/)
    expect(answer.json()).toMatchObject({ role: 'operator', user: 'olaf', mayWrite: true })
    const [cookie = ''] = setCookie.split(';')
    expect(await session({ cookie })).toMatchObject({ role: 'operator' })
    expect((await order({ cookie })).status, 'without the header that a foreign page cannot send').toBe(403)
    await ask(base, '/api/logout', { method: 'POST', headers: { ...orderHeader, cookie } })
    expect(await session({ cookie })).toMatchObject({ role: 'viewer' })
  })

  it('gives a link that logs in once to whoever may open the admin socket', async () => {
    const { stdout } = await runMooring(['dashboard', '--data-dir', dataDirectory])
    const [, token = ''] = /^http:\/\/127\.0\.0\.1:\d+\/#login=([\w-]{30,})\n$/.exec(stdout) ?? []
    const login = () => ask(base, '/api/login', { method: 'POST', headers: orderHeader, body: { token } })
    expect((await login()).json()).toMatchObject({ role: 'operator', user: 'login link' })
    expect((await login()).status).toBe(401)
  })

  it('refuses a Host or an Origin of elsewhere, and takes a link of elsewhere to a page', async () => {
    const status = async (path: string, headers: Record<string, string>) =>
      (await ask(base, path, { headers })).status
    expect(await status('/api/overview', { host: 'evil.example' })).toBe(403)
    expect(await status('/', { host: 'evil.example' })).toBe(403)
    expect(await status('/api/overview', { origin: 'https://evil.example' })).toBe(403)
    expect(await status('/api/overview', { 'sec-fetch-site': 'cross-site' })).toBe(403)
    expect(await status('/objects/Volume/default/web', { 'sec-fetch-site': 'cross-site' })).not.toBe(403)
  })

  it('says in the headers that nothing foreign and nothing inline runs', async () => {
    const { headers } = await ask(base, '/')
    expect(headers['content-security-policy']).toContain("script-src 'self'")
    expect(headers['content-security-policy']).not.toContain('unsafe')
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['referrer-policy']).toBe('no-referrer')
  })
})

describe('what changes', () => {
  it('is told within moments, with the version and the keys, and what was missed after a break', async () => {
    const stream = await listen(base)
    await vi.waitFor(() =>
      expect(stream.events[0]).toMatchObject({ event: 'hello', data: { isReset: true } }),
    )
    const headers = { authorization: `Bearer ${tokens.operator}` }
    const body = { type: 'takeSnapshots', key: 'Volume/default/web' }
    expect((await ask(base, '/api/orders', { method: 'POST', headers, body })).status).toBe(200)
    await vi.waitFor(
      () => expect(stream.events.flatMap(({ data }) => data.keys ?? [])).toContain('Volume/default/web'),
      10_000,
    )
    const [hello] = stream.events
    stream.close()
    const back = await listen(base, { 'last-event-id': stream.events[1]?.id ?? '' })
    await vi.waitFor(() => expect(back.events[0]).toMatchObject({ event: 'hello', data: { isReset: false } }))
    expect(back.events[0]?.id.split('.')[0]).toBe(hello?.id.split('.')[0])
    back.close()
    const detail = await until<ObjectDetail>(
      '/api/object?key=Volume/default/web',
      ({ snapshots }) => snapshots[0]?.state === 'Ready' && snapshots[0].keptBy.length > 0,
    )
    expect(detail.snapshots[0]?.fate).toMatch(/^It stays: it is one of the newest 2 \(keepLast\)/)
    expect(actionOf(detail, 'restore')).toMatchObject({
      typeToConfirm: 'web',
      choices: [{ field: 'snapshot', options: [{ value: detail.snapshots[0]?.object.name }] }],
    })
    expect(detail.history.map(({ type }) => type)).toContain('step')
    expect(detail.fields).toEqual(
      expect.arrayContaining([expect.objectContaining({ field: 'spec.pluginID', result: 'same' })]),
    )
  }, 60_000)

  it('has another epoch after a restart, and the log of before', async () => {
    const stream = await listen(base)
    await vi.waitFor(() => expect(stream.events).not.toEqual([]))
    const before = (await ask(base, '/api/activity')).json() as { entries: { what: string }[] }
    await up.stop()
    await stream.ended
    expect(stream.events.at(-1)?.event).toBe('bye')
    const started = await start(['--ui-token-file', tokenFile])
    up = started.running
    base = started.url
    const again = await listen(base, { 'last-event-id': stream.events[0]?.id ?? '' })
    await vi.waitFor(() => expect(again.events[0]).toMatchObject({ event: 'hello', data: { isReset: true } }))
    again.close()
    const after = (await ask(base, '/api/activity?size=500')).json() as typeof before
    expect(after.entries.map(({ what }) => what)).toEqual(
      expect.arrayContaining(before.entries.map(({ what }) => what)),
    )
  }, 60_000)
})

function faultsOf(schema: TSchema, value: unknown): string[] {
  if (Check(schema, value)) return []
  return Errors(schema, value).map(({ instancePath, message }) => `${instancePath} ${message}`)
}
