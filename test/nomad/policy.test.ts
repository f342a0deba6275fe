import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createNomadClient, type NomadClient } from '../../src/nomad/client.ts'
import { losesSecrets } from '../../src/nomad/server-version.ts'
import { createNomadCaller, type NomadCaller } from '../helpers/nomad-caller.ts'
import { patienceMs, pluginID, type RealAgent, startRealAgent, whySkipped } from './real-agent.ts'

/** All that manifests/nomad/policy.hcl grants. */
const grants = [
  'csi-read-volume',
  'csi-write-volume',
  'csi-mount-volume',
  'read-job',
  'variables read',
  'variables write',
  'variables destroy',
  'plugin read',
  'node read',
] as const
type Grant = (typeof grants)[number]

interface PolicyRow {
  readonly call: string
  /** Enough, and nothing of it too much. */
  readonly needs: readonly Grant[]
  /** Others that do as well as the first of them. */
  readonly or?: readonly Grant[]
  /** On what is not there, so that it comes to its end where it is let through. */
  send(client: NomadClient): Promise<unknown>
}

const anyOfNamespace = ['csi-write-volume', 'csi-mount-volume', 'read-job'] as const
const volume = {
  ID: 'none',
  Name: 'none',
  Namespace: 'default',
  PluginID: 'none',
  RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
}
const variable = { namespace: 'default', path: 'mooring/default/none' }
const lock = { namespace: 'default', path: 'mooring/default/leader' }
const lockID = randomUUID()

/** Every call that the operator makes to Nomad. */
const rows: readonly PolicyRow[] = [
  {
    call: 'list volumes',
    needs: ['csi-read-volume'],
    or: ['csi-mount-volume'],
    send: (client) => client.listVolumes('default'),
  },
  {
    call: 'read a volume',
    needs: ['csi-read-volume'],
    or: ['csi-mount-volume', 'read-job'],
    send: (client) => client.readVolume('default', 'none'),
  },
  {
    call: 'list external volumes',
    needs: ['csi-read-volume'],
    or: ['csi-mount-volume'],
    send: (client) => client.listExternalVolumes(pluginID),
  },
  {
    call: 'list snapshots',
    needs: ['csi-read-volume'],
    or: ['csi-mount-volume'],
    send: (client) => client.listSnapshots(pluginID),
  },
  {
    call: 'read a namespace',
    needs: ['csi-read-volume'],
    or: anyOfNamespace,
    send: (client) => client.namespaceExists('default'),
  },
  {
    call: 'create a volume',
    needs: ['csi-write-volume', 'plugin read'],
    send: (client) => client.createVolume(volume),
  },
  {
    call: 'register a volume',
    needs: ['csi-write-volume', 'plugin read'],
    send: (client) => client.registerVolume({ ...volume, ExternalID: 'none' }),
  },
  {
    call: 'deregister a volume',
    needs: ['csi-write-volume'],
    send: (client) => client.deregisterVolume('default', 'none'),
  },
  {
    call: 'delete a volume',
    needs: ['csi-write-volume', 'plugin read'],
    send: (client) => client.deleteVolume('default', 'none', {}),
  },
  {
    call: 'detach a volume',
    needs: ['csi-mount-volume', 'plugin read'],
    send: (client) => client.detachVolume('default', 'none', randomUUID()),
  },
  {
    call: 'take a snapshot',
    needs: ['csi-write-volume', 'plugin read'],
    send: (client) => client.createSnapshot('default', { SourceVolumeID: 'none', Name: 'none' }),
  },
  {
    call: 'delete a snapshot',
    needs: ['csi-write-volume', 'plugin read'],
    send: (client) => client.deleteSnapshot(pluginID, 'none', {}),
  },
  { call: 'list plugins', needs: ['plugin read'], send: (client) => client.listPlugins() },
  { call: 'read a plugin', needs: ['plugin read'], send: (client) => client.readPlugin('none') },
  { call: 'list allocations', needs: ['read-job'], send: (client) => client.listAllocations('default') },
  { call: 'list nodes', needs: ['node read'], send: (client) => client.listNodes() },
  {
    call: 'list the releases of servers',
    needs: ['node read'],
    send: (client) => client.listServers(),
  },
  { call: 'read a variable', needs: ['variables read'], send: (client) => client.readVariable(variable) },
  {
    call: 'list variables',
    needs: ['variables read'],
    // Without it Nomad's answer is an empty list, and no error.
    send: async (client) => {
      const found = await client.listVariables('default', 'mooring/default/')
      if (found.length === 0) throw new Error('no permission to see what is there')
    },
  },
  {
    call: 'write a variable',
    needs: ['variables write'],
    send: (client) =>
      client.putVariable({ ...variable, path: `mooring/default/${randomUUID()}` }, { a: 'b' }, '0'),
  },
  {
    call: 'delete a variable',
    needs: ['variables destroy'],
    send: (client) => client.deleteVariable(variable, '1'),
  },
  {
    call: 'acquire the lock',
    needs: ['variables write'],
    send: (client) =>
      client.acquireLock(lock, { lockID, ttlMs: 10_000, lockDelayMs: 1_000, items: { holder: 'test' } }),
  },
  { call: 'renew the lock', needs: ['variables write'], send: (client) => client.renewLock(lock, lockID) },
  {
    call: 'release the lock',
    needs: ['variables write'],
    send: (client) => client.releaseLock(lock, lockID),
  },
  {
    call: 'follow events',
    needs: ['csi-read-volume', 'read-job'],
    send: firstSign,
  },
]

/** Resolves with the first line of the stream; rejects where it ends without, or nothing comes. */
function firstSign(client: NomadClient): Promise<void> {
  const abort = new AbortController()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error('not a byte')), 8_000)
  client
    .readEvents({ onEvent: () => {}, onAlive: resolve, signal: abort.signal })
    .then(() => reject(new Error('not a byte, and it ended')), reject)
  return promise.finally(() => {
    clearTimeout(timer)
    abort.abort()
  })
}

/** As a policy of Nomad, without what is not held. */
function rulesOf(held: readonly Grant[]): string {
  const list = (names: readonly string[]) => JSON.stringify(names)
  const capabilities = held.filter((grant) => /^(csi|read)-/.test(grant))
  const variables = held.flatMap((grant) => /^variables (.*)/.exec(grant)?.slice(1) ?? [])
  const path = `path "mooring/default/*" { capabilities = ${list(variables)} }`
  return [
    `namespace "default" { capabilities = ${list(capabilities)}`,
    variables.length === 0 ? '}' : `variables { ${path} } }`,
    held.includes('plugin read') ? 'plugin { policy = "read" }' : '',
    held.includes('node read') ? 'node { policy = "read" }' : '',
  ].join('\n')
}

describe.skipIf(whySkipped !== '')(
  whySkipped === '' ? "the operator's calls by a real Nomad's ACLs" : `ACLs (skipped: ${whySkipped})`,
  { timeout: patienceMs },
  () => {
    let agent: RealAgent
    let root: NomadCaller
    const clients = new Map<string, NomadClient>()
    beforeAll(async () => {
      agent = await startRealAgent({ acl: true })
      root = createNomadCaller(agent.environment)
      await ask('PUT', '/v1/var/mooring/default/there', { Items: { a: 'b' } })
    }, patienceMs)
    afterAll(async () => {
      for (const client of clients.values()) await client.close()
      await root?.close()
      await agent?.close()
    }, patienceMs)

    /** A client whose token has a policy of these rules, and no other. */
    async function clientBy(rules: string): Promise<NomadClient> {
      const known = clients.get(rules)
      if (known !== undefined) return known
      const name = randomUUID()
      await ask('POST', `/v1/acl/policy/${name}`, { Name: name, Rules: rules })
      const { SecretID } = await ask('POST', '/v1/acl/token', { Type: 'client', Policies: [name] })
      const client = createNomadClient({ address: agent.address, token: SecretID })
      clients.set(rules, client)
      return client
    }
    async function ask(method: string, path: string, body: object) {
      const { status, text } = await root.call({ method, path, body })
      if (status !== 200) throw new Error(`${method} ${path}: ${status} ${text}`)
      return text === '' ? undefined : JSON.parse(text)
    }
    /** Whether it got past Nomad's ACLs. */
    const isLet = ({ send }: PolicyRow, client: NomadClient) =>
      send(client).then(
        () => true,
        (error) => !/permission|not a byte/i.test(String(error)),
      )

    it.for(rows.map((row) => [row.call, row.needs, row] as const))(
      '%s takes %j, all of it and no more, and the policy that we ship has it',
      async ([_call, needs, row], test) => {
        const [, version = ''] = /v(\S+)/.exec(await agent.nomad(['version'])) ?? []
        test.skip(
          row.send === firstSign && losesSecrets(version),
          `events are not asked for of Nomad ${version}`,
        )
        const shipped = readFileSync('manifests/nomad/policy.hcl', 'utf8')
        const { or = [] } = row
        const without = needs.map((grant, place) =>
          grants.filter((each) => each !== grant && !(place === 0 && or.includes(each))),
        )
        expect({
          byShipped: await isLet(row, await clientBy(shipped)),
          byNeeds: await isLet(row, await clientBy(rulesOf(needs))),
          withoutOne: await Promise.all(
            without.map(async (held) => isLet(row, await clientBy(rulesOf(held)))),
          ),
        }).toEqual({ byShipped: true, byNeeds: true, withoutOne: needs.map(() => false) })
      },
    )
  },
)
