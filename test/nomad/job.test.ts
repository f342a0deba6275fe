import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { snapshotYAML, volumeYAML } from '../helpers/declarations-yaml.ts'
import { eventually } from '../helpers/eventually.ts'
import { createUpstream } from '../helpers/git-repository.ts'
import { startMooring } from '../helpers/mooring-process.ts'
import { suiteDirectory, temporaryDirectory } from '../helpers/temporary-directory.ts'
import { patienceMs, pluginID, type RealAgent, startRealAgent, whySkipped } from './real-agent.ts'

interface Allocation {
  readonly ID: string
  readonly DesiredStatus: string
  readonly ClientStatus: string
  readonly DeploymentStatus: { readonly Healthy: boolean | null } | null
}

const volume = (name: string) =>
  volumeYAML(name, { detach: '{policy: Stale}' }).replace('directories', pluginID)
const failures = /permission|denied|"level":"error"/i

describe.skipIf(whySkipped !== '')(
  whySkipped === '' ? 'manifests/nomad, run as a job' : `manifests/nomad (skipped: ${whySkipped})`,
  { timeout: 3 * patienceMs },
  () => {
    const directory = suiteDirectory()
    const upstream = createUpstream(directory)
    let agent: RealAgent
    beforeAll(async () => {
      agent = await startRealAgent({ acl: true })
      upstream.write('volumes/first.yaml', volume('first'))
      upstream.write('volumes/snapshot.yaml', snapshotYAML('taken', 'first'))
      upstream.push()
    }, patienceMs)
    afterAll(() => agent?.close(), patienceMs)

    const soon = <T>(look: () => Promise<T>) => eventually(look, patienceMs)
    const allocations = async () =>
      (await agent.get<readonly Allocation[]>('/v1/job/mooring/allocations')).filter(
        ({ DesiredStatus }) => DesiredStatus === 'run',
      )
    const leader = async () => {
      const { Items, Lock } = await agent.get<{ Items: { holder: string }; Lock?: { ID: string } }>(
        '/v1/var/mooring/default/leader',
      )
      expect(Lock?.ID ?? '').not.toBe('')
      return Items.holder.slice(0, 36)
    }
    const logOf = (allocationID: string) => agent.nomad(['alloc', 'logs', '-stderr', allocationID])

    it('has two healthy replicas, one that leads, and volumes as a Git repository declares them', async () => {
      const file = join(directory, 'mooring.nomad.hcl')
      writeFileSync(file, withoutImage(readFileSync('manifests/nomad/mooring.nomad.hcl', 'utf8')))
      const policy = ['acl', 'policy', 'apply', '-namespace', 'default', '-job', 'mooring', 'mooring']
      await agent.nomad([...policy, 'manifests/nomad/policy.hcl'])
      // Returns when the deployment has succeeded, which health checks decide.
      await agent.nomad([
        ...['job', 'run', '-var', 'image=none', '-var', `source=${upstream.url}#main:volumes`],
        file,
      ])
      const healthy = (await allocations()).map(({ DeploymentStatus }) => DeploymentStatus?.Healthy)
      expect(healthy).toEqual([true, true])
      expect((await allocations()).map(({ ID }) => ID)).toContain(await leader())
      await soon(async () => expect(await agent.volume('first')).toMatchObject({ PluginID: pluginID }))
      await soon(async () => expect(await agent.snapshotIDs()).toHaveLength(1))
    })

    it('serves health and metrics where its service says', async () => {
      const places = await agent.get<readonly { Address: string; Port: number }[]>('/v1/service/mooring')
      expect(places).toHaveLength(2)
      for (const { Address, Port } of places) {
        const at = `http://${Address}:${Port}`
        expect((await fetch(`${at}/healthz`)).status).toBe(200)
        expect((await fetch(`${at}/readyz`)).status).toBe(200)
        expect(await (await fetch(`${at}/metrics`)).text()).toContain('mooring_')
      }
    })

    it('goes on with the other replica when the one that leads is killed', async () => {
      const before = await leader()
      await agent.nomad(['alloc', 'signal', '-s', 'SIGKILL', before])
      upstream.write('volumes/second.yaml', volume('second'))
      upstream.push()
      await soon(async () => expect(await agent.volume('second')).toBeDefined())
      expect((await allocations()).map(({ ID }) => ID)).toContain(await leader())
    })

    it('goes on with the other replica when the allocation that leads is stopped', async () => {
      const before = await leader()
      await agent.nomad(['alloc', 'stop', '-detach', before])
      await soon(async () => expect(await leader()).not.toBe(before))
    })

    it('was denied nothing meanwhile', async () => {
      for (const { ID } of await agent.get<readonly Allocation[]>('/v1/job/mooring/allocations')) {
        const lines = (await logOf(ID)).split('\n')
        expect(lines.filter((line) => failures.test(line))).toEqual([])
      }
    })

    it('is looked at by mooring run --read-only --inventory nomad, with a token that may not write', async () => {
      const rules = join(directory, 'read-only.hcl')
      writeFileSync(
        rules,
        `namespace "default" {
  capabilities = ["csi-read-volume"]
  variables { path "mooring/default/*" { capabilities = ["read"] } }
}
plugin { policy = "read" }
`,
      )
      await agent.nomad(['acl', 'policy', 'apply', 'read-only', rules])
      const token = JSON.parse(
        await agent.nomad(['acl', 'token', 'create', '-json', '-name', 'reader', '-policy', 'read-only']),
      ).SecretID
      upstream.write('volumes/third.yaml', volume('third'))
      const reader = startMooring(
        [
          ...['run', '--read-only', '--inventory', 'nomad', '--source', join(directory, 'work', 'volumes')],
          ...['--data-dir', temporaryDirectory(), '--nomad-addr', agent.address],
        ],
        { NOMAD_TOKEN: token },
      )
      const step = await reader.logged((line) => line.msg === 'would take a step', 'it plans')
      expect(step).toMatchObject({ key: 'Volume/default/third', step: 'create-volume' })
      await reader.logged(
        (line) => line.key === 'Volume/default/first' && line.state === 'ready',
        'it knows what the replicas recorded',
      )
      reader.signal('SIGTERM')
      expect(await reader.exited()).toBe(0)
      expect(reader.log.filter(({ level }) => level !== 'info')).toEqual([])
      expect(await agent.volume('third')).toBeUndefined()
    })
  },
)

/** The job as it is shipped, but run from the sources and by raw_exec; and two of it on the one node that there is. */
function withoutImage(job: string): string {
  const command = JSON.stringify(process.execPath)
  const main = JSON.stringify(fileURLToPath(new URL('../../src/main.ts', import.meta.url)))
  const edits: readonly [RegExp, string][] = [
    [/driver = "docker"/, 'driver = "raw_exec"'],
    [
      /config \{\s+image = var\.image\s+args {2}= \["run"\]\s+ports = \["metrics"\]\s+\}/,
      `config {\ncommand = ${command}\nargs = [${main}, "run"]\n}`,
    ],
    [/constraint \{\s+operator = "distinct_hosts"\s+value {4}= "true"\s+\}/, ''],
  ]
  return edits.reduce((text, [pattern, other]) => {
    if (!pattern.test(text)) throw new Error(`the job has nothing like ${pattern}`)
    return text.replace(pattern, () => other)
  }, job)
}
