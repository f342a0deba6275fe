import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type StallReason, stallReasons } from '../../../src/lib/reasons/reasons.ts'
import { formatSecretsHeader } from '../../../src/nomad/secrets-header.ts'
import type { VolumeDeclaration } from '../../../src/operator/declare/declaration.ts'
import { parseOrder } from '../../../src/operator/orders/order.ts'
import { createTakeOrder } from '../../../src/operator/orders/take-order.ts'
import { csiNameFor, tombstoneID } from '../../../src/operator/plan/identity.ts'
import { type InventoryRecord, storedThing, type VolumeRecord } from '../../../src/operator/plan/record.ts'
import { hostVolume, place, snapshot, volume } from '../../builders/declarations.ts'
import { grpc } from '../../builders/nomad-answers.ts'
import { nomadPlugin } from '../../builders/observed.ts'
import { type createOperatorModel as Create, createOperatorModel } from '../../helpers/operator-model.ts'

type Model = ReturnType<typeof Create>
type Spec = Partial<VolumeDeclaration['spec']>

const key = 'Volume/default/data'
const snapshotKey = 'Snapshot/default/before'
const hostKey = 'HostVolume/default/disk'
const hostVolumeIDOf = (model: Model) =>
  storedThing(model.stored.get(hostKey) as InventoryRecord).externalID ?? ''
const declared = (spec: Spec = {}) => volume('data', { secrets: {}, ...spec })
const recordOf = (model: Model) => model.stored.get(key) as VolumeRecord
const externalIDOf = (model: Model) => recordOf(model).externalID ?? ''

async function rounds(model: Model, count = 6) {
  for (let round = 0; round < count; round += 1) {
    await model.run()
    model.advance(5_000)
  }
}

/** A model in which the volume is declared and as declared. */
async function ready(model: Model, spec: Spec = {}) {
  model.declare(declared(spec))
  await rounds(model)
  expectReady(model)
}

async function change(model: Model, spec: Spec) {
  model.declare(declared(spec))
  await rounds(model)
}

function expectReady(model: Model, of = key) {
  expect(model.stored.get(of)?.status.conditions).toMatchObject([{ status: 'True' }, {}, { status: 'False' }])
}

/** Ends the declaration, and lets the prune delay pass. */
async function end(model: Model, what = key) {
  model.remove(what)
  await rounds(model, 12)
}

/** Something whose deletionPolicy is Delete, in the middle of its end. */
async function ending(model: Model, prepare: () => void) {
  await ready(model, { deletionPolicy: 'Delete' })
  prepare()
  await end(model)
}

interface Exit {
  /** What is stalled; the volume, unless it is named. */
  readonly of?: string
  /** The state in which a person finds it. */
  readonly stall: (model: Model) => Promise<void>
  /** What the message must tell them. */
  readonly says: RegExp
  /** They do it. */
  readonly act: (model: Model) => Promise<void> | void
  /** How it ends; ready, unless it is gone. */
  readonly ends?: 'gone'
  /** Whether data that were there before are meant to go. */
  readonly givesUp?: true
  readonly startMs?: number
}

/** What a request is refused by, until a person has mended what is outside. */
const refusals = {
  NodeNotFound: { status: 404, text: 'no node with ID "8f3c"', says: /no node with ID/ },
  TLSRequired: { status: 400, text: 'Client sent an HTTP request to an HTTPS server.', says: /Write https:/ },
  ImmutableField: { status: 500, text: 'volume name cannot be updated', says: /name cannot be updated/ },
  InvalidVolume: { status: 500, text: 'validation: missing plugin ID', says: /missing plugin ID/ },
  ExternalVolumeNotFound: { status: 500, text: 'volume "x" could not be found', says: /could not be found/ },
  InvalidArgument: {
    status: 500,
    text: grpc('InvalidArgument', 'x', 'type "gp9" is unknown'),
    says: /type "gp9" is unknown/,
  },
  NameConflict: {
    status: 500,
    text: grpc('AlreadyExists', 'x', 'other parameters'),
    says: /other parameters/,
  },
  PluginPermissionDenied: {
    status: 500,
    text: grpc('PermissionDenied', 'x', 'no rights'),
    says: /no rights/,
  },
  Unsupported: { status: 500, text: grpc('Unimplemented', 'x', 'not here'), says: /not here/ },
  SourceNotFound: { status: 500, text: grpc('NotFound', 'x', 'no snapshot s-1'), says: /no snapshot s-1/ },
  UnexpectedRedirect: { status: 301, text: '', says: /status 301/ },
  InvalidRequest: { status: 400, text: 'this is wrong', says: /this is wrong/ },
  UnsupportedByServer: { status: 405, text: 'Invalid method', says: /Invalid method/ },
  PluginRefused: { status: 422, text: 'the plugin has no room', says: /no room/ },
  PermissionDenied: { status: 403, text: 'Permission denied', says: /the Nomad token lacks a right/ },
  BrokenAnswer: {
    status: 502,
    text: grpc('Internal', 'x', 'the answer breaks CSI 1.12: volume.volume_id: required'),
    says: /Update or mend the plugin/,
  },
} satisfies Partial<Record<StallReason, Refusal>>

interface Refusal {
  readonly status: number
  readonly text: string
  readonly says: RegExp
}

function mendedOutside(refusal: Refusal): Exit {
  return {
    async stall(model) {
      model.declare(declared())
      model.world.failNext({ ...refusal, isDone: false })
      await model.run()
    },
    says: refusal.says,
    act: (model) => rounds(model),
  }
}

/** Proven where the machinery that the reason needs stands: the file, and the beginning of the test's title. */
const elsewhere = {
  Invalid: [
    'test/integration/operator/kubernetes/operator.test.ts',
    'refuses a Nomad namespace that is not mapped',
  ],
  ClusterNotFound: [
    'test/integration/operator/kubernetes/replicas.test.ts',
    'are worked for each on its own',
  ],
  ClockLeapt: [
    'test/unit/operator/reconcile/schedule-clock.test.ts',
    'takes the date when a person confirms it',
  ],
  RetentionUnsupported: [
    'test/unit/operator/reconcile/schedule-clock.test.ts',
    'says RetentionUnsupported where that is not known, and goes on once a person keeps these',
  ],
} satisfies Partial<Record<StallReason, readonly [file: string, title: string]>>

const exits: Readonly<Record<Exclude<StallReason, keyof typeof refusals | keyof typeof elsewhere>, Exit>> = {
  NameTaken: {
    async stall(model) {
      const csiName = csiNameFor(key, declared(), 'global')
      await model.world.api.createVolume({
        ID: 'other',
        Namespace: 'default',
        Name: csiName,
        PluginID: 'directories',
      })
      await change(model, {})
    },
    says: /"other" already has the CSI name .* Deregister that volume, or change this declaration/,
    act: (model) => model.world.people.deregister('other'),
  },
  ExternalIDTaken: {
    async stall(model) {
      await model.world.api.createVolume({
        ID: 'other',
        Namespace: 'default',
        Name: 'x',
        PluginID: 'directories',
      })
      const [externalID = ''] = model.world.disks.keys()
      await change(model, { externalID, context: { disk: externalID } })
    },
    says: /Deregister that volume/,
    act: (model) => model.world.people.deregister('other'),
  },
  ExternalIDNotAllowed: {
    async stall(model) {
      const object = { uid: 'u', name: 'data', namespace: 'team-a' } as never
      model.declare(volume('data', { secrets: {}, externalID: 'theirs' }, { ...place('data.yaml'), object }))
      await rounds(model)
    },
    says: /Remove it from the declaration, or/,
    act: (model) => model.declare(declared()),
  },
  SnapshotNotAdoptable: {
    of: snapshotKey,
    async stall(model) {
      await ready(model)
      await model.world.api.createVolume({
        ID: 'other',
        Namespace: 'default',
        Name: 'x',
        PluginID: 'directories',
      })
      const [ofData = '', ofOther = ''] = model.world.disks.keys()
      const listed = (ID: string, ExternalSourceVolumeID: string) =>
        model.world.snapshots.set(ID, {
          ...{ ID, ExternalSourceVolumeID, SizeBytes: 1, CreateTime: 1, IsReady: true, content: '' },
        })
      listed('s-data', ofData)
      listed('s-other', ofOther)
      model.declare(snapshot('before', 'data', { snapshotID: 's-other' }))
      await rounds(model)
    },
    says: /is of external volume .* Correct spec\.snapshotID or spec\.volume/,
    act: (model) => model.declare(snapshot('before', 'data', { snapshotID: 's-data' })),
  },
  OwnedElsewhere: {
    async stall(model) {
      await ready(model)
      model.declare(volume('data', { secrets: {} }, place('copy.yaml')))
      await rounds(model)
    },
    says: /Remove one of the two/,
    act: (model) => model.remove('copy.yaml'),
  },
  IdentityChanged: {
    async stall(model) {
      await ready(model)
      model.declare(volume('renamed', { secrets: {} }, place('data.yaml')))
      await rounds(model)
    },
    says: /Declare the new one in another file/,
    act(model) {
      model.declare(declared())
      model.declare(volume('renamed', { secrets: {} }))
    },
  },
  SharedExternalID: {
    async stall(model) {
      await model.world.api.createVolume({
        ID: 'made',
        Namespace: 'default',
        Name: 'x',
        PluginID: 'directories',
      })
      const [externalID = ''] = model.world.disks.keys()
      model.world.people.deregister('made')
      const share = (name: string) => ({ externalID, context: { disk: externalID, share: name } })
      model.declare(volume('other', { secrets: {}, ...share('other') }))
      await change(model, { ...share('data'), deletionPolicy: 'Delete' })
    },
    says: /Set deletionPolicy to Deregister or Retain/,
    act: (model) => model.declare(declared({ ...specOf(model), deletionPolicy: 'Deregister' })),
  },
  VolumeHasInstances: {
    of: snapshotKey,
    async stall(model) {
      model.declare(declared({ perAlloc: { count: 1, whenScaled: 'Retain' } }))
      model.declare(snapshot('before', 'data'))
      await rounds(model)
    },
    says: /Name one of them, such as data\[0\]/,
    act: (model) => model.declare(snapshot('before', 'data[0]')),
  },
  ImmutableFieldChanged: {
    async stall(model) {
      await ready(model)
      await change(model, { parameters: { type: 'fast' } })
    },
    says: /Undo the change of the declaration/,
    act: (model) => model.declare(declared()),
  },
  CannotShrink: {
    async stall(model) {
      await ready(model, { capacity: { min: 5n } })
      await change(model, { capacity: { max: 2n } })
    },
    says: /Raise spec\.capacity\.max to at least 5 bytes/,
    act: (model) => model.declare(declared({ capacity: { max: 5n } })),
  },
  CapacityUnsupported: {
    async stall(model) {
      model.world.conditions.isPluginReached = true
      model.world.conditions.room = { availableBytes: 9n, maximumVolumeBytes: 2n }
      await change(model, { capacity: { min: 5n } })
    },
    says: /Lower spec\.capacity\.min/,
    act: (model) => model.declare(declared({ capacity: { min: 2n } })),
  },
  PluginUnsupported: {
    async stall(model) {
      await ready(model)
      const { observer } = model.world
      observer.plugin = async () => nomadPlugin('directories', { SupportsExpand: false })
      await change(model, { capacity: { min: 5n } })
    },
    says: /change the declaration/,
    act: (model) => model.declare(declared()),
  },
  Drifted: {
    async stall(model) {
      await ready(model, { driftPolicy: 'Report' })
      model.world.people.deregister('data')
      await rounds(model)
    },
    says: /To correct the volume, set it to Correct/,
    act: (model) => model.declare(declared({ driftPolicy: 'Correct' })),
  },
  UnreadableFields: {
    async stall(model) {
      await model.world.api.createVolume({
        ID: 'data',
        Namespace: 'default',
        Name: 'x',
        PluginID: 'directories',
      })
      model.declare(volume('data', { capacity: { min: 5n } }))
      await rounds(model)
    },
    says: /declare them empty: spec\.secrets: \{\}/,
    act: (model) => model.declare(declared({ capacity: { min: 5n } })),
  },
  UpdateWithoutEffect: {
    async stall(model) {
      await ready(model)
      // The plugin says that it is done, and nothing changes.
      const { api } = model.world
      const really = api.createVolume
      api.createVolume = async () => {}
      await change(model, { mountOptions: { fsType: 'ext4' } })
      api.createVolume = really
    },
    says: /change the declaration/,
    act: (model) => model.declare(declared()),
  },
  ExternalIDChanged: {
    async stall(model) {
      await ready(model)
      const found = model.world.volumes.get('default/data')
      if (found !== undefined) model.world.volumes.set('default/data', { ...found, ExternalID: 'another' })
      await rounds(model)
    },
    says: /To go back, deregister the volume in Nomad/,
    act: (model) => model.world.people.deregister('data'),
  },
  ExternalVolumeMissing: {
    async stall(model) {
      await ready(model)
      lose(model)
      await rounds(model)
    },
    says: /mooring restore .*nomad volume delete -namespace default data/,
    // Either way out that the message names: its data are given up, and Vanished says how to go on.
    async act(model) {
      model.world.people.deregister('data')
      await rounds(model)
      await order(model, { type: 'recreate', key, lostExternalID: externalIDOf(model) })
    },
    givesUp: true,
  },
  ExternalVolumeAbnormal: {
    async stall(model) {
      await ready(model)
      const { observer } = model.world
      const list = observer.externalVolumes
      observer.externalVolumes = async (pluginID) =>
        new Map(
          [...(await list(pluginID))].map(([id, each]) => [
            id,
            { ...each, IsAbnormal: true, Status: 'read errors' },
          ]),
        )
      await rounds(model)
      observer.externalVolumes = list
    },
    says: /read errors.*Repair it at the storage provider, and Mooring goes on by itself/,
    act: () => {},
  },
  Vanished: {
    async stall(model) {
      await ready(model)
      lose(model)
      model.world.people.deregister('data')
      await rounds(model)
    },
    says: /run mooring recreate default\/data --lost disk-1/,
    act: (model) => order(model, { type: 'recreate', key, lostExternalID: externalIDOf(model) }),
    givesUp: true,
  },
  DetachNeedsWord: {
    async stall(model) {
      await ready(model, { detach: { policy: 'Stale', nodes: [] } })
      model.world.people.claim('data', 'n1')
      await rounds(model)
      model.world.people.changeNode('n1', 'dead')
      await rounds(model)
    },
    says: /run mooring detach default\/data --node-is-dead n1/,
    async act(model) {
      // The writer is really dead: the person made sure.
      model.world.people.changeNode('n1', 'back')
      model.world.people.changeNode('n1', 'dead')
      await order(model, { type: 'detach', key, node: 'n1' })
    },
  },
  HostVolumeVanished: {
    of: hostKey,
    givesUp: true,
    async stall(model) {
      model.declare(hostVolume('disk'))
      await rounds(model)
      model.world.hostVolumes.delete('default', hostVolumeIDOf(model))
      await rounds(model)
    },
    says: /run mooring recreate hostvolume default\/disk --lost \S+/,
    act: (model) => order(model, { type: 'recreate', key: hostKey, lostExternalID: hostVolumeIDOf(model) }),
  },
  SeveralHostVolumes: {
    of: hostKey,
    async stall(model) {
      for (const NodeID of ['n1', 'n2'])
        model.world.hostVolumes.create({ Namespace: 'default', Name: 'disk', NodeID })
      model.declare(hostVolume('disk'))
      await rounds(model)
    },
    says: /Name the node of the one that is meant as spec\.placement\.node/,
    act: (model) => model.declare(hostVolume('disk', { placement: { node: 'n2' } })),
  },
  TombstoneTaken: {
    async stall(model) {
      await ready(model, { deletionPolicy: 'Delete' })
      const id = tombstoneID(key, externalIDOf(model))
      await model.world.api.createVolume({
        ID: id,
        Namespace: 'default',
        Name: 'theirs',
        PluginID: 'directories',
      })
      await end(model)
    },
    says: /Deregister it by hand: nomad volume deregister -namespace default mooring-deleting-\w+/,
    act(model) {
      model.world.people.deregister(tombstoneID(key, externalIDOf(model)))
    },
    ends: 'gone',
  },
  HasSnapshots: {
    async stall(model) {
      await ending(model, () => {
        model.world.conditions.snapshotsNeedTheirVolume = true
        const [externalID = ''] = model.world.disks.keys()
        model.world.snapshots.set('theirs', {
          ID: 'theirs',
          ExternalSourceVolumeID: externalID,
          SizeBytes: 1,
          CreateTime: 1,
          IsReady: true,
          content: '',
        })
      })
    },
    says: /"theirs".*Delete these snapshots, and the end continues/,
    act: (model) => void model.world.snapshots.delete('theirs'),
    ends: 'gone',
  },
  DeleteRefused: {
    async stall(model) {
      const { api } = model.world
      const refused = () =>
        model.world.failNext({ status: 500, text: grpc('FailedPrecondition', 'x', 'busy'), isDone: false })
      const really = api.deleteVolume
      api.deleteVolume = async (...all) => {
        refused()
        return really(...all)
      }
      await ending(model, () => {})
      api.deleteVolume = really
    },
    says: /Mooring retries every 10 minutes/,
    act: (model) => model.advance(600_000),
    ends: 'gone',
  },
  FinalSnapshotTooOld: {
    startMs: 10_000_000,
    async stall(model) {
      const { api } = model.world
      const really = api.createSnapshot
      await model.inventory.release({
        key: 'Snapshot/default/earlier',
        pluginID: 'directories',
        externalID: 'earlier',
        reason: 'FinalSnapshot',
        atMs: 1,
      })
      api.createSnapshot = async (...all) => ({ ...(await really(...all)), ID: 'earlier' })
      await ready(model, { deletionPolicy: 'Delete', finalSnapshot: true })
      await end(model)
      api.createSnapshot = really
    },
    says: /which is asked for again under another name/,
    act: (model) => model.advance(5_000),
    ends: 'gone',
  },
  SecretNotSendable: {
    of: snapshotKey,
    async stall(model) {
      const { api } = model.world
      const really = api.deleteSnapshot
      api.deleteSnapshot = async (pluginID, snapshotID, secrets, signal) => {
        formatSecretsHeader({ password: 'a,b' })
        return really(pluginID, snapshotID, secrets, signal)
      }
      await ready(model)
      model.declare(snapshot('before', 'data', { deletionPolicy: 'Delete' }))
      await rounds(model)
      await end(model, snapshotKey)
    },
    says: /declare it again with deletionPolicy Retain and remove it/,
    async act(model) {
      model.declare(snapshot('before', 'data', { deletionPolicy: 'Retain' }))
      await rounds(model)
      await end(model, snapshotKey)
    },
    ends: 'gone',
  },
  NamespaceNotFound: {
    of: snapshotKey,
    async stall(model) {
      await ready(model)
      model.declare(snapshot('before', 'data'))
      model.world.failNext({
        status: 500,
        text: 'volume data is in nonexistent namespace default',
        isDone: false,
      })
      await model.run()
    },
    says: /nonexistent namespace/,
    act: () => {},
  },
  WrongSource: {
    of: snapshotKey,
    async stall(model) {
      await ready(model)
      const { api } = model.world
      const really = api.createSnapshot
      api.createSnapshot = async (...all) => ({
        ...(await really(...all)),
        ExternalSourceVolumeID: 'another',
      })
      model.declare(snapshot('before', 'data'))
      await rounds(model)
      api.createSnapshot = really
    },
    says: /Mend the plugin; Mooring repeats the request/,
    act: () => {},
  },
  Refused: {
    async stall(model) {
      model.declare(declared())
      model.world.failNext('refused')
      await model.run()
    },
    says: /refused/,
    act: () => {},
  },
}

function specOf(model: Model): Spec {
  return (model.declared().find((each) => each.name === 'data') ?? recordOf(model).declaration).spec as Spec
}

/** The external volume is lost at the provider. */
function lose(model: Model) {
  model.world.disks.delete(externalIDOf(model))
}

/** As `mooring` gives it. */
async function order(model: Model, given: object) {
  const { inventory, clock } = model
  const takeOrder = createTakeOrder({ inventory, declarations: () => new Map(), clock, region: 'global' })
  await takeOrder(parseOrder(given))
}

/** The reason and message of whatever is stalled: a record, or a declaration that is refused. */
function stalledIn(model: Model, of: string): { reason: string; message: string } | undefined {
  const [refusal] = model.refusals()
  if (refusal !== undefined) return refusal
  return model.stored
    .get(of)
    ?.status.conditions.find(({ type, status }) => type === 'Stalled' && status === 'True')
}

describe('every reason for which something is Stalled', () => {
  it('has an exit here, or one that is proven elsewhere', () => {
    const known = new Set<string>([
      ...Object.keys(exits),
      ...Object.keys(refusals),
      ...Object.keys(elsewhere),
    ])
    expect([...known].sort()).toEqual([...stallReasons].sort())
    for (const [file, title] of Object.values(elsewhere))
      expect(readFileSync(file, 'utf8'), file).toContain(`it('${title}`)
  })

  it('is in the list, wherever an error for good is made', () => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ts'),
    )
    // A record that cannot be stored has no status either; the driver has no conditions.
    const without = /^(driver|operator\/inventory)\//
    const found = files
      .filter((file) => !without.test(file))
      .flatMap((file) => [
        ...readFileSync(`src/${file}`, 'utf8').matchAll(/kind: 'permanent',\s*reason: '(\w+)'/g),
      ])
      .map(([, reason]) => reason)
    expect(found.length).toBeGreaterThan(3)
    expect(found.filter((reason) => !stallReasons.some((each) => each === reason))).toEqual([])
  })

  const rows = [
    ...Object.entries(exits).map(([reason, exit]) => [reason, exit] as const),
    ...Object.entries(refusals).map(([reason, refusal]) => [reason, mendedOutside(refusal)] as const),
  ]
  it.each(rows)(
    '%s: the remedy that its message names ends it, and no data are lost',
    async (reason, exit) => {
      const { of = key, stall, says, act, ends, givesUp, startMs } = exit
      const model = createOperatorModel(startMs)
      await stall(model)
      const stalled = stalledIn(model, of)
      expect(stalled).toMatchObject({ reason })
      expect(stalled?.message).toMatch(says)
      const before = new Set(model.world.disks.keys())
      const own = model.stored.get(key)
      await act(model)
      await rounds(model, 12)
      expect(stalledIn(model, of)).toBeUndefined()
      if (ends === 'gone') expect(model.stored.has(of)).toBe(false)
      else expectReady(model, of)
      const meant = ends === 'gone' && own?.kind === 'Volume' ? own.externalID : undefined
      const lost = [...before].filter((id) => !model.world.disks.has(id) && id !== meant)
      expect(givesUp ? [] : lost).toEqual([])
      expect(model.world.history.violations).toEqual([])
    },
  )
})
