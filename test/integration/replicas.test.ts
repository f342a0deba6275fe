import { mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { startTestServer } from '../fakes/api-server.ts'
import { startHttpServer } from '../fakes/http-server.ts'
import { createNomadVariables } from '../fakes/nomad-variables.ts'
import { type MooringProcess, startMooring } from '../helpers/mooring-process.ts'
import { runMooring } from '../helpers/run-mooring.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** Lock times of Nomad's are multiplied by this, and those of the replicas are as much shorter. */
const scale = 0.2
const lease = ['--lease-duration', '3s', '--lease-renew-deadline', '2s', '--lease-retry-period', '500ms']

/** Mooring's server over a plugin, with the double of Nomad's Variables before it. */
async function startCluster() {
  const server = await startTestServer()
  onTestFinished(() => server.dispose())
  const variables = createNomadVariables({ now: Date.now, scale })
  const front = await startHttpServer((received, response) => {
    const answer = variables.answer(received)
    if (answer === 'cut') response.socket?.destroy()
    if (answer === 'cut' || answer !== undefined) return answer === 'cut' ? undefined : answer
    const url = new URL(received.path.split('/').map(encodeURIComponent).join('/'), server.url)
    const onward = request(
      `${url}?${received.query}`,
      { method: received.method, headers: { ...received.headers, host: url.host } },
      (reply) => {
        response.writeHead(reply.statusCode ?? 500, reply.headers)
        reply.pipe(response)
      },
    )
    // A blocking query is cut with the replica that waits for it, or with the server at the end.
    onward.on('error', () => response.destroy())
    response.on('close', () => onward.destroy())
    onward.end(received.body)
    return undefined
  })
  onTestFinished(front.close)
  return { server, variables, address: front.address }
}

const declaration = (name: string) => `---
apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata: {name: ${name}}
spec:
  pluginID: disk
  capacity: {min: 1Gi}
  capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}]
`

async function startReplicas(count: number) {
  const cluster = await startCluster()
  const root = temporaryDirectory()
  const folder = join(root, 'declarations')
  mkdirSync(folder)
  const declare = (...names: string[]) => {
    for (const name of names) writeFileSync(join(folder, `${name}.yaml`), declaration(name))
  }
  const dataDirectoryOf = (index: number) => join(root, `replica-${index}`)
  const start = (index: number) =>
    startMooring([
      ...['run', '--source', folder, '--data-dir', dataDirectoryOf(index), '--rescan', '500ms'],
      ...['--nomad-addr', cluster.address, '--inventory', 'nomad', ...lease],
    ])
  const isLeader = ({ log }: MooringProcess) =>
    log.findLast(({ msg }) => msg === 'leads' || msg === 'leads no more')?.msg === 'leads'
  const leads = (replica: MooringProcess) =>
    vi.waitFor(() => expect(isLeader(replica)).toBe(true), { timeout: 30_000 })
  const made = () => cluster.server.plugin.calls.filter(({ rpc }) => rpc === 'CreateVolume').length
  const volumes = async () =>
    ((await cluster.server.call('GET', '/v1/volumes?type=csi')).json as { ID: string }[]).map(({ ID }) => ID)
  /** Nomad has these volumes, and whoever leads has recorded that they are ready. */
  const settled = (names: readonly string[]) =>
    vi.waitFor(
      async () => {
        expect((await volumes()).sort()).toEqual([...names].sort())
        const texts = [...cluster.variables.variables.values()].map(({ items }) => items.record ?? '')
        expect(texts.filter((text) => text.includes('"AsDeclared"'))).toHaveLength(names.length)
      },
      { timeout: 30_000 },
    )
  return {
    ...cluster,
    dataDirectoryOf,
    declare,
    start,
    leads,
    made,
    settled,
    replicas: Array.from({ length: count }, (_, index) => start(index)),
  }
}

describe('replicas that share an inventory', () => {
  test('work one at a time; a leader that is killed is followed by another, which creates nothing twice', async () => {
    const { replicas, declare, leads, settled, made, dataDirectoryOf } = await startReplicas(2)
    const [one, two] = replicas as [MooringProcess, MooringProcess]
    declare('a', 'b')
    const leader = await Promise.race([one, two].map((replica) => leads(replica).then(() => replica)))
    const other = leader === one ? two : one
    await settled(['a', 'b'])
    const asked = await runMooring(['status', '--data-dir', dataDirectoryOf(other === one ? 0 : 1)])
    expect(asked.stderr).toMatch(/this replica stands by while \S+ leads: ask there/)
    expect(asked.status).toBe(1)

    leader.signal('SIGKILL')
    declare('c')
    await leads(other)
    await settled(['a', 'b', 'c'])
    expect(made()).toBe(3)
  })

  test('a leader that is stopped past its lease does nothing more when it goes on, and stands by', async () => {
    const { replicas, declare, leads, settled, made, start } = await startReplicas(1)
    const [first] = replicas as [MooringProcess]
    declare('a')
    await leads(first)
    await settled(['a'])
    first.signal('SIGSTOP')
    const second = start(1)
    await leads(second)
    declare('b')
    await settled(['a', 'b'])
    first.signal('SIGCONT')
    await first.logged(({ msg }) => msg === 'leads no more', 'it gives up')
    declare('c')
    await settled(['a', 'b', 'c'])
    expect(made()).toBe(3)

    // At its end it lets the next one have the lock at once.
    second.signal('SIGTERM')
    expect(await second.exited()).toBe(0)
    await leads(first)
    declare('d')
    await settled(['a', 'b', 'c', 'd'])
    expect(made()).toBe(4)
  })

  test('finds a write whose answer was lost, and takes stock anew where another process wrote', async () => {
    const { replicas, declare, leads, settled, variables, made, dataDirectoryOf } = await startReplicas(1)
    const [only] = replicas as [MooringProcess]
    await leads(only)
    variables.fault = 'lose answer'
    declare('a')
    await settled(['a'])
    expect(variables.fault).toBeUndefined()

    const [path, record] = [...variables.variables].find(([each]) => each.includes('/volume/')) ?? []
    variables.overwrite(path ?? '', record?.items ?? {})
    await runMooring(['suspend', 'volume', 'a', '--data-dir', dataDirectoryOf(0)])
    await only.logged(
      ({ msg, why }) => msg === 'leads no more' && String(why).includes('another process'),
      'it gives up',
    )
    declare('b')
    await settled(['a', 'b'])
    expect(made()).toBe(2)
  })
})
