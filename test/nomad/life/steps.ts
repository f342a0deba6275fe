import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { snapshotYAML } from '../../helpers/declarations-yaml.ts'
import { pluginID } from '../real-agent.ts'
import { type Cluster, eventually } from './cluster.ts'
import { specification } from './cluster-files.ts'
import type { Gate } from './gate.ts'
import { declared, type Operator, scheduleYAML } from './operator.ts'

/** What one step has for itself. */
export interface Stage {
  readonly agent: Cluster
  readonly operator: Operator
  readonly gate: Gate
  /** Of its volume; names of others of its own begin with it and a dash. */
  readonly id: string
}

/** A step of a volume's life, which a disturbance can meet in its middle. */
export interface Step {
  readonly title: string
  /** Part of the IDs, and none of them the beginning of another. */
  readonly slug: string
  /** Whether jobs claim volumes in it. */
  readonly claims?: true
  /**
   * Whether no other volume may be written beside it: after any write of any volume Nomad releases what it
   * can of all.
   */
  readonly alone?: true
  /** The request, `METHOD /path?query`, that is under way when the disturbance comes. */
  readonly request: (id: string) => RegExp
  /** How many such requests; default 1. */
  readonly requests?: number
  /** Yields when all is as it is before the step, and again when the step is under way; then goes on to its end. */
  readonly run: (stage: Stage) => AsyncGenerator<void>
  /** How many disks there are of it at the plugin when it has ended. */
  readonly disks: number
  /** How many snapshots of those disks there are; not given: as many as `run` looks for. */
  readonly snapshots?: number
}

const mebibyte = 1_048_576
const creates = (id: string) => new RegExp(`^PUT /v1/volume/csi/${id}/create`)
const registers = (id: string) => new RegExp(`^PUT /v1/volume/csi/${id}(\\?|$)`)
const deregisters = (id: string) => new RegExp(`^DELETE /v1/volume/csi/${id}(\\?|$)`)
const detaches = (id: string) => new RegExp(`^DELETE /v1/volume/csi/${id}-[a-z]+/detach`)

export const steps: readonly Step[] = [
  {
    title: 'creates twelve volumes',
    slug: 'create',
    request: (id) => creates(`${id}-5`),
    disks: 12,
    snapshots: 0,
    async *run({ operator, agent, id }) {
      const names = Array.from({ length: 12 }, (_, index) => `${id}-${index}`)
      yield
      operator.write('volumes.yaml', names.map((name) => declared(name)).join('---\n'))
      yield
      for (const name of names) await operator.status(`Volume/default/${name}`, 'ready')
      const volume = await agent.volume(`${id}-5`)
      expect(volume).toMatchObject({ PluginID: pluginID, Capacity: mebibyte, Schedulable: true })
    },
  },
  {
    title: 'adopts what `nomad volume create` made, and writes nothing',
    slug: 'adopt',
    request: (id) => new RegExp(`^GET /v1/volume/csi/${id}`),
    disks: 1,
    async *run({ operator, agent, id }) {
      await agent.nomad(['volume', 'create', '-'], { input: specification(id) })
      const before = await agent.volume(id)
      yield
      operator.write('volume.yaml', declared(id))
      yield
      await operator.status(`Volume/default/${id}`, 'ready')
      expect(await agent.volume(id)).toMatchObject({
        ExternalID: before?.ExternalID,
        ModifyIndex: before?.ModifyIndex,
      })
    },
  },
  {
    title: 'registers the external volume that a declaration names',
    slug: 'register',
    request: registers,
    disks: 1,
    async *run({ operator, agent, id }) {
      await agent.nomad(['volume', 'create', '-'], { input: specification(`${id}-before`) })
      const externalID = (await agent.volume(`${id}-before`))?.ExternalID ?? ''
      await agent.nomad(['volume', 'deregister', `${id}-before`])
      yield
      operator.write('volume.yaml', declared(id, { externalID }))
      yield
      await operator.status(`Volume/default/${id}`, 'ready')
      expect((await agent.volume(id))?.ExternalID).toBe(externalID)
    },
  },
  {
    title: 'shows the claim of a job',
    slug: 'claim',
    claims: true,
    request: () => /^(PUT|POST) \/v1\/jobs/,
    disks: 1,
    async *run({ operator, agent, gate, id }) {
      await ready(operator, id)
      yield
      // What was cut off a person does once more.
      const first = agent.claim(id, id, { address: gate.address }).catch(() => undefined)
      yield
      await first
      await agent.claim(id, id)
      await eventually(async () =>
        expect(await operator.known(`Volume/default/${id}`)).toMatchObject({ claims: [expect.any(String)] }),
      )
      await operator.status(`Volume/default/${id}`, 'ready')
    },
  },
  {
    title: 'expands a volume',
    slug: 'expand',
    request: creates,
    disks: 1,
    async *run(stage) {
      await ready(stage.operator, stage.id)
      yield
      stage.operator.write('volume.yaml', declared(stage.id, { capacity: '{min: 3Mi}' }))
      yield
      await grown(stage)
    },
  },
  {
    title: 'expands a volume that a job uses',
    slug: 'online',
    claims: true,
    request: creates,
    disks: 1,
    async *run(stage) {
      const { operator, agent, id } = stage
      await ready(operator, id)
      await agent.claim(id, id)
      const before = await agent.allocationOf(id)
      yield
      operator.write('volume.yaml', declared(id, { capacity: '{min: 3Mi}' }))
      yield
      await grown(stage)
      await eventually(async () =>
        expect(await agent.allocationOf(id)).toMatchObject({ ID: before?.ID, ClientStatus: 'running' }),
      )
    },
  },
  {
    title: 'takes a snapshot',
    slug: 'snapshot',
    request: () => /^(PUT|POST) \/v1\/volumes\/snapshot/,
    disks: 1,
    snapshots: 1,
    async *run({ operator, id }) {
      await ready(operator, id)
      yield
      operator.write('snapshot.yaml', snapshotYAML(`${id}-taken`, id))
      yield
      await operator.status(`Snapshot/default/${id}-taken`, 'ready')
    },
  },
  {
    title: 'creates a volume from a snapshot',
    slug: 'copy',
    request: (id) => creates(`${id}-made`),
    disks: 2,
    snapshots: 1,
    async *run(stage) {
      const { operator, id } = stage
      await ready(operator, id)
      const origin = await contentOf(stage, id)
      origin.write('from the snapshot')
      operator.write('snapshot.yaml', snapshotYAML(`${id}-taken`, id))
      await operator.status(`Snapshot/default/${id}-taken`, 'ready')
      yield
      operator.write('copy.yaml', declared(`${id}-made`, { source: `{snapshot: ${id}-taken}` }))
      yield
      await operator.status(`Volume/default/${id}-made`, 'ready')
      expect((await contentOf(stage, `${id}-made`)).read()).toBe('from the snapshot')
    },
  },
  {
    title: 'takes the snapshot of a schedule at its time',
    slug: 'schedule',
    request: () => /^(PUT|POST) \/v1\/volumes\/snapshot/,
    disks: 1,
    snapshots: 1,
    async *run({ operator, id }) {
      await ready(operator, id)
      yield
      operator.write('schedule.yaml', scheduleYAML(id, id, '* * * * *', 1))
      yield
      await eventually(() =>
        expect(operator.log).toContainEqual(
          expect.objectContaining({
            msg: 'status',
            key: expect.stringMatching(new RegExp(`^Snapshot/default/${id}:`)),
            state: 'ready',
          }),
        ),
      )
      // The next minute brings another; the retention of one leaves a single one in the end.
      operator.write('schedule.yaml', scheduleYAML(id, id, '0 3 1 1 *', 1))
    },
  },
  {
    title: 'deletes the snapshot that retention no longer keeps',
    slug: 'retain',
    request: () => /^DELETE \/v1\/volumes\/snapshot/,
    disks: 1,
    snapshots: 2,
    async *run({ operator, agent, id }) {
      await ready(operator, id)
      operator.write('schedule.yaml', scheduleYAML(id, id, '0 3 1 1 *', 2))
      await operator.status(`SnapshotSchedule/default/${id}`, 'ready')
      const take = async () => {
        // Names hold whole seconds, so that a second run of one second is refused.
        const begun = await eventually(() => operator.ask('snapshot', 'now', id))
        const [, name] = /begun: default\/(\S+)/.exec(begun) ?? []
        return `Snapshot/default/${name}`
      }
      const first = await take()
      await operator.status(first, 'ready')
      const oldest = (await agent.pluginState()).Snapshots.find(({ Name }) => Name.startsWith(id))
      await operator.status(await take(), 'ready')
      yield
      await take()
      yield
      await operator.logged(({ msg, key }) => msg === 'no longer managed' && key === first, 'it goes')
      expect((await agent.pluginState()).Snapshots).not.toContainEqual(oldest)
    },
  },
  {
    title: 'restores a snapshot under the same volume ID',
    slug: 'restore',
    request: creates,
    disks: 2,
    snapshots: 1,
    async *run(stage) {
      const { operator, id } = stage
      await ready(operator, id)
      const replaced = await contentOf(stage, id)
      replaced.write('before')
      operator.write('snapshot.yaml', snapshotYAML(`${id}-taken`, id))
      await operator.status(`Snapshot/default/${id}-taken`, 'ready')
      replaced.write('after')
      yield
      await operator.ask('restore', id, '--from', `${id}-taken`, '--yes')
      yield
      await eventually(async () =>
        expect(await operator.known(`Volume/default/${id}`)).toMatchObject({
          lastRestore: { outcome: 'Restored' },
        }),
      )
      await operator.status(`Volume/default/${id}`, 'ready')
      const restored = await contentOf(stage, id)
      expect([restored.read(), replaced.read()]).toEqual(['before', 'after'])
    },
  },
  {
    title: 'registers again what `nomad volume deregister` took out',
    slug: 'deregistered',
    request: registers,
    disks: 1,
    async *run({ operator, agent, id }) {
      await ready(operator, id)
      const externalID = (await agent.volume(id))?.ExternalID
      yield
      await agent.nomad(['volume', 'deregister', id])
      yield
      await eventually(async () => expect((await agent.volume(id))?.ExternalID).toBe(externalID))
      await operator.status(`Volume/default/${id}`, 'ready')
    },
  },
  {
    title: 'puts back the fields that `nomad volume register` changed',
    slug: 'changed',
    request: creates,
    disks: 1,
    async *run({ operator, agent, id }) {
      await ready(operator, id)
      const { ExternalID = '', Name = '' } = (await agent.volume(id)) ?? {}
      const modes = async () =>
        (await agent.volume(id))?.RequestedCapabilities?.map(({ AccessMode }) => AccessMode)
      yield
      const other = specification(id, { external_id: ExternalID })
        .replace(`name = "${id}"`, `name = "${Name}"`)
        .replace('single-node-writer', 'multi-node-multi-writer')
      // Before 1.10.5 Nomad answers with an empty body, which its own command line takes for a failure.
      await agent.nomad(['volume', 'register', '-'], { input: other }).catch((error: Error) => {
        if (!error.message.includes('EOF')) throw error
      })
      expect(await modes()).toEqual(['multi-node-multi-writer'])
      yield
      await eventually(async () => expect(await modes()).toEqual(['single-node-writer']))
      await operator.status(`Volume/default/${id}`, 'ready')
    },
  },
  {
    title: 'puts no blank disk in the place of one that `nomad volume delete` destroyed',
    slug: 'vanished',
    request: () => /^GET \/v1\/volumes\/external/,
    disks: 0,
    async *run({ operator, agent, id }) {
      await ready(operator, id)
      yield
      await agent.nomad(['volume', 'delete', id])
      yield
      await operator.status(`Volume/default/${id}`, 'stalled', 'Vanished')
      expect(await agent.volume(id)).toBeUndefined()
    },
  },
  {
    title: 'takes no snapshot anew that `nomad volume snapshot delete` destroyed',
    slug: 'unsnapped',
    request: () => /^GET \/v1\/volumes\/snapshot/,
    disks: 1,
    snapshots: 0,
    async *run({ operator, agent, id }) {
      await ready(operator, id)
      operator.write('snapshot.yaml', snapshotYAML(`${id}-taken`, id))
      await operator.status(`Snapshot/default/${id}-taken`, 'ready')
      const { Volumes, Snapshots } = await agent.pluginState()
      const { VolID } = Volumes.find(({ VolName }) => VolName.startsWith(id)) ?? {}
      const { Id = '' } = Snapshots.find((snapshot) => snapshot.VolID === VolID) ?? {}
      yield
      await agent.nomad(['volume', 'snapshot', 'delete', pluginID, Id])
      yield
      await operator.status(`Snapshot/default/${id}-taken`, 'stalled', 'Vanished')
    },
  },
  {
    title: 'deletes three volumes at once whose declarations are gone',
    slug: 'prune',
    request: () => /^DELETE \/v1\/volume\/csi\/[^/]+\/delete/,
    disks: 0,
    async *run({ operator, agent, id }) {
      const names = ['a', 'b', 'c'].map((letter) => `${id}-${letter}`)
      operator.write(
        'volumes.yaml',
        names.map((name) => declared(name, { deletionPolicy: 'Delete' })).join('---\n'),
      )
      for (const name of names) await operator.status(`Volume/default/${name}`, 'ready')
      yield
      operator.remove('volumes.yaml')
      yield
      for (const name of names) {
        await operator.logged(
          ({ msg, key }) => msg === 'no longer managed' && key === `Volume/default/${name}`,
          `${name} goes`,
        )
        expect(await agent.volume(name)).toBeUndefined()
      }
    },
  },
  {
    title: 'deletes a volume once the job that claims it has stopped',
    slug: 'held',
    claims: true,
    request: deregisters,
    disks: 0,
    async *run({ operator, agent, id }) {
      await ready(operator, id, { deletionPolicy: 'Delete' })
      await agent.claim(id, id)
      operator.remove('volume.yaml')
      await operator.status(`Volume/default/${id}`, 'waiting', 'InUse')
      expect(await agent.volume(id)).toBeDefined()
      yield
      await agent.nomad(['job', 'stop', '-purge', '-detach', id])
      yield
      await operator.logged(
        ({ msg, key }) => msg === 'no longer managed' && key === `Volume/default/${id}`,
        'it goes',
      )
      expect(await agent.volume(id)).toBeUndefined()
    },
  },
  {
    title: 'deletes a snapshot whose declaration is gone',
    slug: 'ended',
    request: () => /^DELETE \/v1\/volumes\/snapshot/,
    disks: 1,
    snapshots: 0,
    async *run({ operator, id }) {
      await ready(operator, id)
      operator.write('snapshot.yaml', snapshotYAML(`${id}-taken`, id, 'Delete'))
      await operator.status(`Snapshot/default/${id}-taken`, 'ready')
      yield
      operator.remove('snapshot.yaml')
      yield
      await operator.logged(
        ({ msg, key }) => msg === 'no longer managed' && key === `Snapshot/default/${id}-taken`,
        'it goes',
      )
    },
  },
  {
    title: 'detaches stale claims: one by proof, one by the word of a person',
    slug: 'stale',
    claims: true,
    alone: true,
    request: detaches,
    requests: 2,
    disks: 2,
    async *run({ operator, agent, id }) {
      const node = await agent.startNode()
      const [ended, lost] = [`${id}-ended`, `${id}-lost`]
      for (const name of [ended, lost]) {
        operator.write(`${name}.yaml`, declared(name, { detach: '{policy: Stale}' }))
        await operator.status(`Volume/default/${name}`, 'ready')
        await agent.claim(name, name, { node: node.name })
      }
      // The client says that one has ended, and dies before it could give back what that held.
      await agent.freezePlugin()
      await agent.nomad(['job', 'stop', '-detach', ended])
      const allocation = await eventually(async () => {
        const found = await agent.allocationOf(ended)
        expect(found?.ClientStatus).toBe('complete')
        return found
      })
      await node.kill()
      agent.thawPlugin()
      const claimsOf = async (name: string) => Object.keys((await agent.volume(name))?.WriteAllocs ?? {})
      for (const name of [ended, lost]) {
        await operator.status(`Volume/default/${name}`, 'stalled', 'DetachNeedsWord')
        expect(await claimsOf(name)).toHaveLength(1)
      }
      yield
      await operator.ask('detach', lost, '--node-is-dead', node.id)
      await node.purge()
      yield
      for (const name of [ended, lost]) {
        await eventually(async () => expect(await claimsOf(name)).toEqual([]))
        await operator.status(`Volume/default/${name}`, 'ready')
      }
      const reasonsOf = async (name: string) =>
        (await operator.known(`Volume/default/${name}`))?.history.map(({ step, why }) => `${step}: ${why}`)
      expect(await reasonsOf(ended)).toContain(
        `detach-node: detaching node ${node.id}: allocation ${allocation?.ID} is complete and node ${node.id} is no longer known`,
      )
      expect(await reasonsOf(lost)).toContainEqual(
        expect.stringMatching(
          /^detach-node: .* is lost, which Nomad's servers only guess; a person confirmed/,
        ),
      )
    },
  },
]

async function ready(operator: Operator, id: string, fields: Readonly<Record<string, string>> = {}) {
  operator.write('volume.yaml', declared(id, fields))
  await operator.status(`Volume/default/${id}`, 'ready')
}

async function grown({ operator, agent, id }: Stage) {
  await eventually(async () =>
    expect((await agent.volume(id))?.Capacity).toBeGreaterThanOrEqual(3 * mebibyte),
  )
  await operator.status(`Volume/default/${id}`, 'ready')
}

/** A file on the disk that a volume stands for now. */
async function contentOf({ agent }: Stage, id: string) {
  const file = join(agent.contentOf((await agent.volume(id))?.ExternalID ?? ''), 'content')
  return {
    write: (text: string) => writeFileSync(file, text),
    read: () => readFileSync(file, 'utf8'),
  }
}
