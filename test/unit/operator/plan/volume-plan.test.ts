import { describe, expect, it } from 'vitest'
import type { VolumeDeclaration } from '../../../../src/operator/declare/declaration.ts'
import { tombstoneID } from '../../../../src/operator/plan/identity.ts'
import type { VolumeRecord } from '../../../../src/operator/plan/record.ts'
import type { VolumeObservation } from '../../../../src/operator/plan/volume-observation.ts'
import { planVolume } from '../../../../src/operator/plan/volume-plan.ts'
import { volume } from '../../../builders/declarations.ts'
import { anExternalVolume } from '../../../builders/nomad.ts'
import { boot, nowAt } from '../../../builders/now.ts'
import { nomadPlugin, nomadVolume } from '../../../builders/observed.ts'
import { volumeRecord } from '../../../builders/records.ts'

const nowMs = 1_000_000
const gibibyte = 1024n ** 3n

interface Case {
  readonly spec?: Partial<VolumeDeclaration['spec']>
  readonly record?: Partial<VolumeRecord>
  readonly observation?: Partial<VolumeObservation>
}

function plan({ spec, record, observation }: Case) {
  const declaration = volume('data', spec)
  return planVolume(
    declaration,
    volumeRecord(declaration, record),
    {
      volume: undefined,
      plugin: nomadPlugin('directories'),
      external: 'unknown',
      source: { state: 'ready' },
      namespaceExists: true,
      takenBy: undefined,
      sharers: [],
      isSpecUnchanged: false,
      isRecreateOrdered: false,
      restore: { isUndoOrdered: false },
      hashes: {},
      updateHash: 'hash-of-this-update',
      callsEndedBeforeMs: undefined,
      ...observation,
    },
    nowAt(nowMs),
  )
}

const managed: Partial<VolumeRecord> = { externalID: 'external-data', applied: {} }
const intent = {
  request: { ID: 'data', PluginID: 'directories' },
  sinceMs: nowMs - 5_000,
  sent: { boot, monotonicMs: nowMs - 5_000 },
  mayRunMs: 60_000,
}
const present = (fields = {}) => ({ volume: nomadVolume('data', fields) })

describe('planVolume, where Nomad has no such volume', () => {
  it.each<[string, Case, string | undefined, string]>([
    ['creates it', {}, 'create-volume', 'Creating'],
    ['does nothing while suspended', { spec: { suspend: true } }, undefined, 'Suspended'],
    [
      'registers a declared external volume',
      { spec: { externalID: 'vol-1' } },
      'register-volume',
      'Registering',
    ],
    [
      'waits for a declared external volume that the plugin does not list',
      { spec: { externalID: 'vol-1' }, observation: { external: 'unlisted' } },
      undefined,
      'ExternalVolumeNotFound',
    ],
    ['registers again what Nomad lost', { record: managed }, 'register-volume', 'Reregistering'],
    [
      'does nothing for an ID that it may not name',
      { spec: { externalID: 'vol-1' }, observation: { foreignID: 'it is not of this namespace' } },
      undefined,
      'ExternalIDNotAllowed',
    ],
    [
      'leaves it lost, and says so, under driftPolicy Report',
      { record: managed, spec: { driftPolicy: 'Report' }, observation: { isSpecUnchanged: true } },
      undefined,
      'Drifted',
    ],
    [
      'never creates a blank one in place of a lost one',
      { record: managed, observation: { external: 'unlisted' } },
      undefined,
      'Vanished',
    ],
    [
      'gives up a lost one where a person ordered it',
      { record: managed, observation: { external: 'unlisted', isRecreateOrdered: true } },
      'recreate-volume',
      'Recreating',
    ],
    [
      'registers one that is there again, whatever a person ordered',
      { record: managed, observation: { isRecreateOrdered: true } },
      'register-volume',
      'Reregistering',
    ],
    [
      'reports another external ID than the recorded one',
      { record: managed, spec: { externalID: 'vol-1' } },
      undefined,
      'ImmutableFieldChanged',
    ],
    ['waits while a create may still be running', { record: { intent } }, undefined, 'OutcomeUnknown'],
    [
      'waits for a create of an earlier boot for as long as this process has not seen its time pass',
      {
        record: { intent: { ...intent, sent: { boot: 'boot-0', monotonicMs: 0 }, mayRunMs: nowMs + 1 } },
      },
      undefined,
      'OutcomeUnknown',
    ],
    [
      'repeats a create after its deadline (crossplane-runtime#340)',
      { record: { intent: { ...intent, mayRunMs: 5_000 } } },
      'create-volume',
      'RepeatingCreate',
    ],
    [
      'repeats a create that the server cannot be running any more',
      { record: { intent }, observation: { callsEndedBeforeMs: nowMs - 1_000 } },
      'create-volume',
      'RepeatingCreate',
    ],
    [
      'waits for its source',
      { observation: { source: { state: 'waiting', reason: 'SnapshotNotReady', message: 'waiting' } } },
      undefined,
      'SnapshotNotReady',
    ],
    [
      'waits for a plugin that Nomad does not know',
      { observation: { plugin: undefined } },
      undefined,
      'PluginNotFound',
    ],
    [
      'waits for a plugin before its first fingerprint',
      { observation: { plugin: nomadPlugin('directories', {}, { Provider: '', Controllers: {} }) } },
      undefined,
      'PluginUnavailable',
    ],
    [
      'waits for its Nomad namespace',
      { observation: { namespaceExists: false } },
      undefined,
      'NamespaceNotFound',
    ],
    [
      'does not register what another volume of Nomad stands for',
      { spec: { externalID: 'vol-1' }, observation: { takenBy: 'legacy' } },
      undefined,
      'ExternalIDTaken',
    ],
    [
      'takes away a tombstone of its own that came after its end was called off',
      { record: managed, observation: { takenBy: tombstoneID('Volume/default/data', 'external-data') } },
      'cancel-end',
      'DeclaredAgain',
    ],
    [
      'does not create under a name that another volume of Nomad has',
      { spec: { name: 'shared' }, observation: { takenBy: 'legacy' } },
      undefined,
      'NameTaken',
    ],
    [
      'stalls where the plugin cannot create',
      { observation: { plugin: nomadPlugin('directories', { SupportsCreateDelete: false }) } },
      undefined,
      'PluginUnsupported',
    ],
    [
      'stalls where the plugin cannot clone',
      {
        observation: {
          plugin: nomadPlugin('directories', { SupportsClone: false }),
          source: { state: 'ready', cloneID: 'vol-0' },
        },
      },
      undefined,
      'PluginUnsupported',
    ],
    [
      'calls an end off when it is declared again',
      { record: { ...managed, end: { phase: 'deregister', tombstoneID: 't' } } },
      'cancel-end',
      'DeclaredAgain',
    ],
  ])('%s', (_title, given, step, reason) => {
    const decision = plan(given)
    expect(decision.step).toBe(step)
    expect(decision.verdict.reason).toBe(reason)
  })
})

describe('planVolume, where Nomad has the volume', () => {
  it.each<[string, Case, string | undefined, string]>([
    ['takes over what was there before', { observation: present() }, 'adopt-volume', 'Adopting'],
    [
      'records what its own create made',
      { record: { intent }, observation: present({ Name: volumeRecord(volume('data')).csiName }) },
      'adopt-volume',
      'Created',
    ],
    [
      'is ready where all is as declared',
      { record: managed, observation: present() },
      undefined,
      'AsDeclared',
    ],
    [
      'waits while the plugin is not healthy enough to attach it',
      { record: managed, observation: present({ Schedulable: false }) },
      undefined,
      'NotSchedulable',
    ],
    [
      'leaves alone a volume that stands for another external volume now',
      { record: managed, observation: present({ ExternalID: 'other' }) },
      undefined,
      'ExternalIDChanged',
    ],
    [
      'grows a volume that is smaller than declared',
      { record: managed, spec: { capacity: { min: 2n * gibibyte } }, observation: present() },
      'expand-volume',
      'Expanding',
    ],
    [
      'never shrinks: a lower minimum holds already',
      { record: managed, spec: { capacity: { min: 1n } }, observation: present() },
      undefined,
      'AsDeclared',
    ],
    [
      'reports a maximum below the capacity',
      { record: managed, spec: { capacity: { max: 1n } }, observation: present() },
      undefined,
      'CannotShrink',
    ],
    [
      'does not grow a registered volume that the plugin lists as large enough',
      {
        record: managed,
        spec: { capacity: { min: gibibyte } },
        observation: {
          ...present({ Capacity: 0 }),
          external: {
            ExternalID: 'external-data',
            CapacityBytes: 1024 ** 3,
            VolumeContext: null,
            CloneID: '',
            SnapshotID: '',
            PublishedExternalNodeIDs: null,
            IsAbnormal: false,
            Status: '',
          },
        },
      },
      undefined,
      'AsDeclared',
    ],
    [
      'does not grow a registered volume whose capacity nobody knows',
      {
        record: managed,
        spec: { capacity: { min: gibibyte } },
        observation: present({ Capacity: 0, RequestedCapacityMin: 1024 ** 3 }),
      },
      undefined,
      'AsDeclared',
    ],
    [
      'grows one whose capacity nobody knows where more is asked for than before',
      {
        record: managed,
        spec: { capacity: { min: 2n * gibibyte } },
        observation: present({ Capacity: 0, RequestedCapacityMin: 1024 ** 3 }),
      },
      'expand-volume',
      'Expanding',
    ],
    [
      'stalls where the plugin cannot expand',
      {
        record: managed,
        spec: { capacity: { min: 2n * gibibyte } },
        observation: { ...present(), plugin: nomadPlugin('directories', { SupportsExpand: false }) },
      },
      undefined,
      'PluginUnsupported',
    ],
    [
      'changes capabilities',
      {
        record: managed,
        spec: { capabilities: [{ accessMode: 'multi-node-multi-writer', attachmentMode: 'file-system' }] },
        observation: present(),
      },
      'update-volume',
      'Updating',
    ],
    [
      'holds mount options while the volume is in use (nomad#25592)',
      {
        record: managed,
        spec: { mountOptions: { fsType: 'xfs' } },
        observation: present({ WriteAllocs: { a: null } }),
      },
      undefined,
      'InUse',
    ],
    [
      'does not write where that would wipe secrets it never saw',
      {
        record: { externalID: 'external-data' },
        spec: { capacity: { min: 2n * gibibyte } },
        observation: present(),
      },
      undefined,
      'UnreadableFields',
    ],
    [
      'writes once the declaration says that there are no secrets',
      {
        record: { externalID: 'external-data' },
        spec: { capacity: { min: 2n * gibibyte }, secrets: {} },
        observation: present(),
      },
      'expand-volume',
      'Expanding',
    ],
    [
      'applies secrets that changed',
      {
        record: { ...managed, applied: { secrets: 'old' } },
        spec: { secrets: { key: { fromEnv: 'MOORING_SECRET_KEY' } } },
        observation: { ...present(), hashes: { secrets: 'new' } },
      },
      'update-volume',
      'Updating',
    ],
    [
      'writes nothing where the secrets are those it applied',
      {
        record: { ...managed, applied: { secrets: 'same' } },
        spec: { secrets: { key: { fromEnv: 'MOORING_SECRET_KEY' } } },
        observation: { ...present(), hashes: { secrets: 'same' } },
      },
      undefined,
      'AsDeclared',
    ],
    [
      'stops where an accepted update changed nothing (nomad#10324)',
      {
        record: { ...managed, lastUpdateHash: 'hash-of-this-update' },
        spec: { capacity: { min: 2n * gibibyte } },
        observation: present(),
      },
      undefined,
      'UpdateWithoutEffect',
    ],
    [
      'reports what somebody else changed, and changes nothing, under driftPolicy Report',
      {
        record: managed,
        spec: { driftPolicy: 'Report', capacity: { min: 2n * gibibyte } },
        observation: { ...present(), isSpecUnchanged: true },
      },
      undefined,
      'Drifted',
    ],
    [
      'still makes what the declaration itself newly asks for, under driftPolicy Report',
      {
        record: managed,
        spec: { driftPolicy: 'Report', capacity: { min: 2n * gibibyte } },
        observation: { ...present(), isSpecUnchanged: false },
      },
      'expand-volume',
      'Expanding',
    ],
    [
      'passes over what somebody else changed under driftPolicy Ignore',
      {
        record: managed,
        spec: { driftPolicy: 'Ignore', capacity: { min: 2n * gibibyte } },
        observation: { ...present(), isSpecUnchanged: true },
      },
      undefined,
      'DriftIgnored',
    ],
    [
      'reports an external volume that is gone though Nomad has the volume still',
      { record: managed, observation: { ...present(), external: 'unlisted' } },
      undefined,
      'ExternalVolumeMissing',
    ],
    [
      'reports the condition that the plugin sees',
      {
        record: managed,
        observation: {
          ...present(),
          external: anExternalVolume('external-data', { IsAbnormal: true, Status: 'read errors' }),
        },
      },
      undefined,
      'ExternalVolumeAbnormal',
    ],
    [
      'ignores its source once the volume exists',
      { record: managed, spec: { source: { snapshot: 'gone' } }, observation: present() },
      undefined,
      'AsDeclared',
    ],
  ])('%s', (_title, given, step, reason) => {
    const decision = plan(given)
    expect(decision.verdict.reason).toBe(reason)
    expect(decision.step).toBe(step)
  })

  it('says of a shrink what it is, in units that people read', () => {
    const { verdict } = plan({
      record: managed,
      spec: { capacity: { min: 10n << 20n, max: 15n << 20n } },
      observation: present({ Capacity: 30 * 2 ** 20 }),
    })
    expect(verdict).toMatchObject({ state: 'stalled', reason: 'CannotShrink' })
    expect(verdict.message).toContain('spec.capacity.max is 15Mi, but the volume has 30Mi')
    expect(verdict.message).not.toContain('15728640')
  })

  it('takes the required topologies in any order, and the preferred ones in theirs', () => {
    const [one, two] = [{ zone: 'a' }, { zone: 'b' }]
    const reasonFor = (part: 'required' | 'preferred', order: (typeof one)[]) =>
      plan({
        record: managed,
        spec: { topology: { [part]: order } },
        observation: present({
          RequestedTopologies: {
            Required: [one, two].map((Segments) => ({ Segments })),
            Preferred: [one, two].map((Segments) => ({ Segments })),
          },
        }),
      }).verdict.reason
    expect(reasonFor('required', [two, one])).toBe('AsDeclared')
    expect(reasonFor('required', [two])).toBe('ImmutableFieldChanged')
    expect(reasonFor('preferred', [two, one])).toBe('ImmutableFieldChanged')
  })

  it.each(['missing', 'abnormal'])('a person must look at an external volume that is %s', (how) => {
    const external = anExternalVolume('external-data', { IsAbnormal: true, Status: 'read errors' })
    const decision = plan({
      record: managed,
      observation: { ...present(), external: how === 'missing' ? 'unlisted' : external },
    })
    expect(decision.verdict.state).toBe('stalled')
    expect(decision.verdict.message).toMatch(
      /^plugin "directories" (no longer lists|reports) external volume/,
    )
    expect(decision.againAfterMs).toBeGreaterThan(0)
  })

  it('says first that an external volume is abnormal where drift alone would be passed over', () => {
    const decision = plan({
      record: managed,
      spec: { driftPolicy: 'Ignore', capacity: { min: 2n * gibibyte } },
      observation: {
        ...present(),
        isSpecUnchanged: true,
        external: anExternalVolume('external-data', { IsAbnormal: true, Status: 'read errors' }),
      },
    })
    expect(decision.verdict.reason).toBe('ExternalVolumeAbnormal')
  })

  it('names every immutable field with both values, and what to do (terraform-provider-nomad#364)', () => {
    const { verdict } = plan({
      record: managed,
      spec: { pluginID: 'other', parameters: { type: 'fast' }, topology: { required: [{ rack: 'R1' }] } },
      observation: present(),
    })
    expect(verdict).toMatchObject({ state: 'stalled', reason: 'ImmutableFieldChanged' })
    expect(verdict.message).toContain('spec.pluginID is declared as other but is directories')
    expect(verdict.message).toContain('spec.parameters is declared as {"type":"fast"}')
    expect(verdict.message).toContain('spec.topology.required')
    expect(verdict.message).toContain('declare a new volume')
  })
})
