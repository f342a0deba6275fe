import { expect, vi } from 'vitest'
import type { HostVolumeDeclaration, VolumeDeclaration } from '../../src/operator/declare/declaration.ts'
import type { StepName } from '../../src/operator/plan/decision.ts'
import type { InventoryRecord } from '../../src/operator/plan/record.ts'
import type { HostVolume } from '../../src/wire/host-volume.ts'
import { hostVolume, schedule, snapshot, volume } from '../builders/declarations.ts'
import type { StepOperator } from './step-operator.ts'

/** Where the rows are tried: a server of the Volumes API with a plugin. */
export interface StepTarget {
  readonly address: string
  readonly pluginID: string
  /** A plugin that lists where volumes are published; one that does not would prove nothing of a detach. */
  readonly publishingPluginID: string
  /** Publishes an external volume to the node, behind the server's back. */
  publish(externalID: string): Promise<void>
  unpublish(externalID: string): Promise<void>
  /** Whether Detach frees a node where nothing claims the volume. Nomad's answers "Unknown allocation". */
  readonly detachesUnclaimed: boolean
  close(): Promise<void>
}

/** How it comes to a step, and all that is done on the way. */
export interface StepRow {
  readonly case: string
  /** @param id of the volume, of its own for each row */
  run(operator: StepOperator, id: string, target: StepTarget): Promise<void>
  /** All steps in their order, from the first declaration on. */
  readonly steps: readonly StepName[]
  /** All requests that are no reads, as metrics name them. */
  readonly writes: readonly string[]
  /** Why the step is not among them. */
  readonly unreached?: string
}

const mebibyte = 1_048_576n
const dayMs = 86_400_000
const create = ['create-volume', 'adopt-volume'] as const
const keyOf = (id: string) => `Volume/default/${id}`
const snapshotOf = (id: string) => `${id}-snapshot`

const declared = (
  id: string,
  { pluginID }: StepTarget,
  spec: Partial<VolumeDeclaration['spec']> = {},
): VolumeDeclaration => volume(id, { pluginID, secrets: {}, capacity: { min: mebibyte }, ...spec })

const externalIDOf = (record: InventoryRecord | undefined) =>
  (record?.kind === 'Volume' ? record.externalID : undefined) ?? ''

const listed = async ({ client }: StepOperator, { pluginID }: StepTarget) => [
  ...(await client.listExternalVolumes(pluginID)).keys(),
]

/** A declared volume that is there. @returns its external ID */
async function made(operator: StepOperator, declaration: VolumeDeclaration): Promise<string> {
  operator.declare(declaration)
  await operator.settle()
  const key = keyOf(declaration.name)
  expect(operator.standing(key)).toBe('Ready AsDeclared')
  return externalIDOf(operator.record(key))
}

const hostKeyOf = (id: string) => `HostVolume/default/${id}`

/** A declared host volume that is there. */
async function madeHostVolume(
  operator: StepOperator,
  declaration: HostVolumeDeclaration,
): Promise<HostVolume> {
  const key = hostKeyOf(declaration.name)
  operator.declare(declaration)
  // A real node tells of its volumes some seconds later.
  await vi.waitFor(
    async () => {
      await operator.settle()
      expect(operator.standing(key)).toBe('Ready AsDeclared')
    },
    { timeout: 60_000, interval: 500 },
  )
  const record = operator.record(key)
  const id = (record?.kind === 'HostVolume' ? record.externalID : undefined) ?? ''
  const volume = await operator.client.readHostVolume('default', id)
  if (volume === undefined) throw new Error(`Nomad has no host volume ${id}`)
  return volume
}

/** An external volume that Nomad has under no ID. */
async function external(operator: StepOperator, id: string, { pluginID }: StepTarget): Promise<string> {
  const { client } = operator
  await createByHand(operator, id, pluginID)
  const externalID = (await client.readVolume('default', id))?.ExternalID ?? ''
  await client.deregisterVolume('default', id)
  return externalID
}

const createByHand = ({ client }: StepOperator, id: string, pluginID: string) =>
  client.createVolume({
    ID: id,
    Name: id,
    Namespace: 'default',
    PluginID: pluginID,
    RequestedCapacityMin: mebibyte,
    RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
  })

/** A volume with a snapshot of it, and the order to go back to that. */
async function orderRestore(operator: StepOperator, id: string, target: StepTarget) {
  operator.declare(snapshot(snapshotOf(id), id))
  const externalID = await made(operator, declared(id, target))
  const taken = operator.record(`Snapshot/default/${snapshotOf(id)}`)
  const snapshotID = (taken?.kind === 'Snapshot' ? taken.snapshotID : undefined) ?? ''
  expect(snapshotID).not.toBe('')
  await operator.order(keyOf(id), { restore: { externalID, snapshotID, atMs: 0 } })
  return { externalID, snapshotID }
}
const toRestore = [...create, 'create-snapshot'] as const
const lastRestoreOf = (operator: StepOperator, id: string) => {
  const record = operator.record(keyOf(id))
  return record?.kind === 'Volume' ? record.status.lastRestore : undefined
}

const restored: StepRow = {
  case: 'a person goes back to a snapshot under the same volume ID',
  async run(operator, id, target) {
    const { externalID } = await orderRestore(operator, id, target)
    await operator.settle()
    const successor = externalIDOf(operator.record(keyOf(id)))
    expect(successor).not.toBe(externalID)
    expect((await operator.client.readVolume('default', id))?.ExternalID).toBe(successor)
    expect(await listed(operator, target)).toEqual(expect.arrayContaining([externalID, successor]))
    expect(lastRestoreOf(operator, id)).toMatchObject({ outcome: 'Restored' })
  },
  steps: [...toRestore, 'begin-restore', 'deregister-replaced', 'restore-volume', 'adopt-restored'],
  writes: ['create_volume', 'create_snapshot', 'deregister_volume', 'create_volume'],
}

const deleted: StepRow = {
  case: 'a declaration with deletionPolicy Delete is gone',
  async run(operator, id, target) {
    const externalID = await made(operator, declared(id, target, { deletionPolicy: 'Delete' }))
    operator.remove(id)
    await operator.settle()
    expect(operator.record(keyOf(id))).toBeUndefined()
    expect(await operator.client.readVolume('default', id)).toBeUndefined()
    expect(await listed(operator, target)).not.toContain(externalID)
  },
  steps: [...create, 'deregister-volume', 'register-tombstone', 'delete-volume', 'release'],
  writes: ['create_volume', 'deregister_volume', 'register_volume', 'delete_volume'],
}

/** A volume that its plugin has published to a node where nothing claims it. @returns the ID of that node */
async function published(operator: StepOperator, id: string, target: StepTarget): Promise<string> {
  const { publishingPluginID: pluginID } = target
  await target.publish(await made(operator, declared(id, target, { pluginID })))
  expect(await publishedNow(operator, id, target)).toHaveLength(1)
  const plugin = await operator.client.readPlugin(pluginID)
  return Object.keys(plugin?.Nodes ?? {})[0] ?? ''
}
const publishedNow = async (
  { client, record }: StepOperator,
  id: string,
  { publishingPluginID }: StepTarget,
) =>
  (await client.listExternalVolumes(publishingPluginID)).get(externalIDOf(record(keyOf(id))))
    ?.PublishedExternalNodeIDs ?? []

const nightly = (id: string, spec: Parameters<typeof schedule>[2] = {}) =>
  schedule(`${id}-nightly`, [id], spec)

/** Every step that there is. A step without a row does not compile. */
export const stepRows: Readonly<Record<StepName, StepRow>> = {
  'create-volume': {
    case: 'a volume is declared that is nowhere',
    async run(operator, id, target) {
      const externalID = await made(operator, declared(id, target))
      expect(await operator.client.readVolume('default', id)).toMatchObject({ ExternalID: externalID })
      expect(await listed(operator, target)).toContain(externalID)
    },
    steps: create,
    writes: ['create_volume'],
  },
  'register-volume': {
    case: 'an external volume is declared that the plugin has',
    async run(operator, id, target) {
      const externalID = await external(operator, `${id}-before`, target)
      await made(operator, declared(id, target, { externalID }))
      expect((await operator.client.readVolume('default', id))?.ExternalID).toBe(externalID)
    },
    steps: ['register-volume'],
    writes: ['create_volume', 'deregister_volume', 'register_volume'],
  },
  'adopt-volume': {
    case: 'a volume is declared that Nomad has',
    async run(operator, id, target) {
      await createByHand(operator, id, target.pluginID)
      const before = await operator.client.readVolume('default', id)
      await made(operator, declared(id, target))
      expect((await operator.client.readVolume('default', id))?.ModifyIndex).toBe(before?.ModifyIndex)
    },
    steps: ['adopt-volume'],
    writes: ['create_volume'],
  },
  'update-volume': {
    case: 'its context is declared otherwise',
    async run(operator, id, target) {
      await made(operator, declared(id, target))
      await made(operator, declared(id, target, { context: { zone: 'b' } }))
      expect((await operator.client.readVolume('default', id))?.Context).toEqual({ zone: 'b' })
    },
    steps: [...create, 'update-volume'],
    writes: ['create_volume', 'create_volume'],
  },
  'expand-volume': {
    case: 'more capacity is declared',
    async run(operator, id, target) {
      await made(operator, declared(id, target))
      await made(operator, declared(id, target, { capacity: { min: 2n * mebibyte } }))
      const { Capacity = 0 } = (await operator.client.readVolume('default', id)) ?? {}
      expect(BigInt(Capacity)).toBeGreaterThanOrEqual(2n * mebibyte)
    },
    steps: [...create, 'expand-volume'],
    writes: ['create_volume', 'create_volume'],
  },
  'recreate-volume': {
    case: 'a person gives up a volume whose external volume is lost',
    async run(operator, id, target) {
      const lost = await made(operator, declared(id, target))
      await operator.client.deleteVolume('default', id, {})
      await operator.settle()
      expect(operator.standing(keyOf(id))).toBe('Stalled Vanished')
      await operator.order(keyOf(id), { recreate: { externalID: lost, atMs: 0 } })
      await operator.settle()
      expect(operator.standing(keyOf(id))).toBe('Ready AsDeclared')
      expect(await listed(operator, target)).not.toContain(lost)
    },
    steps: [...create, 'recreate-volume', ...create],
    writes: ['create_volume', 'delete_volume', 'create_volume'],
  },
  'begin-restore': restored,
  'deregister-replaced': restored,
  'restore-volume': restored,
  'adopt-restored': restored,
  'undo-restore': {
    case: 'a person calls a restore off before it was made',
    async run(operator, id, target) {
      const { externalID } = await orderRestore(operator, id, target)
      await operator.passUntil('deregister-replaced')
      const begun = operator.record(keyOf(id))
      const csiName = (begun?.kind === 'Volume' ? begun.restore?.csiName : undefined) ?? ''
      await operator.order(keyOf(id), { undoRestore: { csiName, atMs: 0 } })
      await operator.settle()
      expect((await operator.client.readVolume('default', id))?.ExternalID).toBe(externalID)
      expect(lastRestoreOf(operator, id)).toMatchObject({ outcome: 'NotRestored' })
    },
    steps: [
      ...toRestore,
      'begin-restore',
      'deregister-replaced',
      'undo-restore',
      'register-volume',
      'end-restore',
    ],
    writes: ['create_volume', 'create_snapshot', 'deregister_volume', 'register_volume'],
  },
  'end-restore': {
    case: 'a restore is ordered from a snapshot that is gone',
    async run(operator, id, target) {
      const { externalID, snapshotID } = await orderRestore(operator, id, target)
      await operator.client.deleteSnapshot(target.pluginID, snapshotID, {})
      await operator.settle()
      expect((await operator.client.readVolume('default', id))?.ExternalID).toBe(externalID)
      expect(lastRestoreOf(operator, id)).toMatchObject({ outcome: 'NotRestored' })
    },
    steps: [...toRestore, 'end-restore'],
    writes: ['create_volume', 'create_snapshot', 'delete_snapshot'],
  },
  'detach-node': {
    case: 'the plugin has it published to a node of detach.nodes where nothing claims it',
    async run(operator, id, target) {
      const nodeID = await published(operator, id, target)
      const spec = {
        pluginID: target.publishingPluginID,
        detach: { policy: 'Never', nodes: [nodeID] },
      } as const
      operator.declare(declared(id, target, spec))
      await operator.settle()
      expect(await publishedNow(operator, id, target)).toHaveLength(target.detachesUnclaimed ? 0 : 1)
      expect(operator.standing(keyOf(id))).toBe(
        target.detachesUnclaimed ? 'Ready AsDeclared' : 'Reconciling DetachFailed',
      )
    },
    steps: [...create, 'detach-node'],
    writes: ['create_volume', 'detach_volume'],
  },
  'forget-detach-order': {
    case: 'a person gave their word for a node that the volume has left meanwhile',
    async run(operator, id, target) {
      const nodeID = await published(operator, id, target)
      await operator.order(keyOf(id), { detach: [{ nodeID, allocations: [], atMs: 0 }] })
      await target.unpublish(externalIDOf(operator.record(keyOf(id))))
      await operator.settle()
      expect(operator.inventory.orders(keyOf(id)).detach ?? []).toEqual([])
    },
    steps: [...create, 'forget-detach-order'],
    writes: ['create_volume'],
  },
  'forget-recreate-order': {
    case: 'a person gave up an external volume that is there',
    async run(operator, id, target) {
      const externalID = await made(operator, declared(id, target))
      await operator.order(keyOf(id), { recreate: { externalID, atMs: 0 } })
      await operator.settle()
      expect(operator.inventory.orders(keyOf(id)).recreate).toBeUndefined()
      expect(externalIDOf(operator.record(keyOf(id)))).toBe(externalID)
    },
    steps: [...create, 'forget-recreate-order'],
    writes: ['create_volume'],
  },
  'deregister-volume': {
    case: 'a declaration with deletionPolicy Deregister is gone',
    async run(operator, id, target) {
      const externalID = await made(operator, declared(id, target, { deletionPolicy: 'Deregister' }))
      operator.remove(id)
      await operator.settle()
      expect(await operator.client.readVolume('default', id)).toBeUndefined()
      expect(await listed(operator, target)).toContain(externalID)
    },
    steps: [...create, 'deregister-volume', 'release'],
    writes: ['create_volume', 'deregister_volume'],
  },
  'register-tombstone': deleted,
  'delete-volume': deleted,
  'cancel-end': {
    case: 'it is declared again before its end was done',
    async run(operator, id, target) {
      const declaration = declared(id, target, { deletionPolicy: 'Delete' })
      const externalID = await made(operator, declaration)
      operator.remove(id)
      await operator.passUntil('register-tombstone')
      expect(await made(operator, declaration)).toBe(externalID)
      expect(
        (await operator.client.listVolumes('default')).items.map(({ ExternalID }) => ExternalID),
      ).toEqual(expect.arrayContaining([externalID]))
    },
    steps: [...create, 'deregister-volume', 'register-tombstone', 'cancel-end', 'register-volume'],
    writes: ['create_volume', 'deregister_volume', 'register_volume', 'deregister_volume', 'register_volume'],
  },
  'take-final-snapshot': {
    case: 'a declaration with finalSnapshot is gone',
    async run(operator, id, target) {
      const spec = { deletionPolicy: 'Delete', finalSnapshot: true } as const
      const externalID = await made(operator, declared(id, target, spec))
      operator.remove(id)
      await operator.settle()
      const snapshots = [...(await operator.client.listSnapshots(target.pluginID)).values()]
      expect(
        snapshots.filter(({ ExternalSourceVolumeID }) => ExternalSourceVolumeID === externalID),
      ).toHaveLength(1)
      expect(await listed(operator, target)).not.toContain(externalID)
    },
    steps: [
      ...create,
      'deregister-volume',
      'register-tombstone',
      'take-final-snapshot',
      'delete-volume',
      'release',
    ],
    writes: ['create_volume', 'deregister_volume', 'register_volume', 'create_snapshot', 'delete_volume'],
  },
  'create-snapshot': {
    case: 'a snapshot is declared',
    async run(operator, id, target) {
      await made(operator, declared(id, target))
      operator.declare(snapshot(snapshotOf(id), id))
      await operator.settle()
      expect(operator.standing(`Snapshot/default/${snapshotOf(id)}`)).toBe('Ready ReadyToUse')
    },
    steps: [...create, 'create-snapshot'],
    writes: ['create_volume', 'create_snapshot'],
  },
  'adopt-snapshot': {
    case: 'the answer that a snapshot was taken is lost',
    async run(operator, id, target) {
      const externalID = await made(operator, declared(id, target))
      operator.loseNextAnswer()
      operator.declare(snapshot(snapshotOf(id), id))
      await operator.passUntil('create-snapshot')
      operator.advance(300_000)
      await operator.settle()
      expect(operator.standing(`Snapshot/default/${snapshotOf(id)}`)).toBe('Ready ReadyToUse')
      const snapshots = [...(await operator.client.listSnapshots(target.pluginID)).values()]
      expect(
        snapshots.filter(({ ExternalSourceVolumeID }) => ExternalSourceVolumeID === externalID),
      ).toHaveLength(1)
    },
    steps: [...create, 'create-snapshot', 'create-snapshot'],
    writes: ['create_volume', 'create_snapshot', 'create_snapshot'],
    unreached: 'no list of snapshots has their names, so it is asked for once more under its name',
  },
  'delete-snapshot': {
    case: 'a declared snapshot with deletionPolicy Delete is gone',
    async run(operator, id, target) {
      operator.declare(snapshot(snapshotOf(id), id, { deletionPolicy: 'Delete' }))
      const externalID = await made(operator, declared(id, target))
      operator.remove(snapshotOf(id))
      await operator.settle()
      const snapshots = [...(await operator.client.listSnapshots(target.pluginID)).values()]
      expect(snapshots.map(({ ExternalSourceVolumeID }) => ExternalSourceVolumeID)).not.toContain(externalID)
    },
    steps: [...toRestore, 'delete-snapshot'],
    writes: ['create_volume', 'create_snapshot', 'delete_snapshot'],
  },
  'start-snapshot': {
    case: 'the time of a schedule has come',
    async run(operator, id, target) {
      operator.declare(nightly(id))
      await made(operator, declared(id, target))
      operator.advance(15.5 * 3_600_000)
      await operator.settle()
      expect(operator.inventory.list().filter(({ kind }) => kind === 'Snapshot')).toHaveLength(1)
    },
    steps: [...create, 'start-snapshot', 'create-snapshot'],
    writes: ['create_volume', 'create_snapshot'],
  },
  'note-missing': {
    case: "somebody deleted a schedule's snapshot at the storage provider",
    async run(operator, id, target) {
      operator.declare(nightly(id))
      await made(operator, declared(id, target))
      operator.advance(15.5 * 3_600_000)
      await operator.settle()
      const [taken] = operator.inventory.list().filter(({ kind }) => kind === 'Snapshot')
      const snapshotID = taken?.kind === 'Snapshot' ? (taken.snapshotID ?? '') : ''
      // Until then the list may be late.
      operator.advance(30_000)
      await operator.client.deleteSnapshot(target.pluginID, snapshotID, {})
      await operator.settle()
      operator.advance(600_000)
      await operator.settle()
      expect(operator.inventory.list().filter(({ kind }) => kind === 'Snapshot')).toHaveLength(0)
    },
    steps: [...create, 'start-snapshot', 'create-snapshot', 'note-missing', 'release'],
    writes: ['create_volume', 'create_snapshot', 'delete_snapshot'],
  },
  'miss-run': {
    case: 'nobody was there at the time of a schedule',
    async run(operator, id, target) {
      operator.declare(nightly(id, { startingDeadlineSeconds: 60 }))
      await made(operator, declared(id, target))
      operator.advance(dayMs)
      await operator.settle()
      expect(operator.inventory.list().filter(({ kind }) => kind === 'Snapshot')).toHaveLength(0)
    },
    steps: [...create, 'miss-run'],
    writes: ['create_volume'],
  },
  'expire-snapshot': {
    case: 'no rule of retention keeps a snapshot',
    async run(operator, id, target) {
      operator.declare(nightly(id, { retention: { keepLast: 1 } }))
      const externalID = await made(operator, declared(id, target))
      operator.advance(15.5 * 3_600_000)
      await operator.settle()
      operator.advance(dayMs)
      await operator.settle()
      const snapshots = [...(await operator.client.listSnapshots(target.pluginID)).values()]
      expect(
        snapshots.filter(({ ExternalSourceVolumeID }) => ExternalSourceVolumeID === externalID),
      ).toHaveLength(1)
    },
    steps: [
      ...create,
      'start-snapshot',
      'create-snapshot',
      'start-snapshot',
      'create-snapshot',
      'expire-snapshot',
      'delete-snapshot',
    ],
    writes: ['create_volume', 'create_snapshot', 'create_snapshot', 'delete_snapshot'],
  },
  'create-host-volume': {
    case: 'a host volume is declared that is nowhere',
    async run(operator, id) {
      const { ID, NodeID } = await madeHostVolume(operator, hostVolume(id))
      expect(await operator.client.listHostVolumes('default')).toMatchObject({
        items: expect.arrayContaining([expect.objectContaining({ ID, NodeID, Name: id })]),
      })
    },
    steps: ['create-host-volume'],
    writes: ['create_host_volume'],
  },
  'adopt-host-volume': {
    case: 'a host volume is declared that Nomad has',
    async run(operator, id) {
      const made = await operator.client.createHostVolume({
        Namespace: 'default',
        Name: id,
        PluginID: 'mkdir',
        NodePool: 'default',
        RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
      })
      expect((await madeHostVolume(operator, hostVolume(id))).ID).toBe(made.ID)
    },
    steps: ['adopt-host-volume'],
    writes: ['create_host_volume'],
  },
  'expand-host-volume': {
    case: 'more capacity of a host volume is declared',
    async run(operator, id) {
      const before = await madeHostVolume(operator, hostVolume(id, { capacity: { min: mebibyte } }))
      const after = await madeHostVolume(operator, hostVolume(id, { capacity: { min: 2n * mebibyte } }))
      expect(after.ID).toBe(before.ID)
      expect(after.NodeID).toBe(before.NodeID)
      expect(BigInt(after.RequestedCapacityMinBytes)).toBe(2n * mebibyte)
    },
    steps: ['create-host-volume', 'expand-host-volume'],
    writes: ['create_host_volume', 'create_host_volume'],
  },
  'recreate-host-volume': {
    case: 'a person gives up a host volume that Nomad has no more',
    async run(operator, id) {
      const { ID } = await madeHostVolume(operator, hostVolume(id))
      await operator.client.deleteHostVolume('default', ID)
      await operator.settle()
      expect(operator.standing(hostKeyOf(id))).toBe('Stalled HostVolumeVanished')
      await operator.order(hostKeyOf(id), { recreate: { externalID: ID, atMs: 0 } })
      const after = await madeHostVolume(operator, hostVolume(id))
      expect(after.ID).not.toBe(ID)
    },
    steps: ['create-host-volume', 'recreate-host-volume', 'create-host-volume'],
    writes: ['create_host_volume', 'delete_host_volume', 'create_host_volume'],
  },
  'delete-host-volume': {
    case: 'a declaration of a host volume with deletionPolicy Delete is gone',
    async run(operator, id) {
      const { ID } = await madeHostVolume(operator, hostVolume(id, { deletionPolicy: 'Delete' }))
      operator.remove(id)
      await operator.settle()
      expect(operator.record(hostKeyOf(id))).toBeUndefined()
      expect(await operator.client.readHostVolume('default', ID)).toBeUndefined()
    },
    steps: ['create-host-volume', 'delete-host-volume'],
    writes: ['create_host_volume', 'delete_host_volume'],
  },
  release: {
    case: 'a declaration with deletionPolicy Retain is gone',
    async run(operator, id, target) {
      const externalID = await made(operator, declared(id, target))
      operator.remove(id)
      await operator.settle()
      expect(operator.record(keyOf(id))).toBeUndefined()
      expect((await operator.client.readVolume('default', id))?.ExternalID).toBe(externalID)
    },
    steps: [...create, 'release'],
    writes: ['create_volume'],
  },
}
