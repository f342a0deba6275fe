import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { HostVolume, HostVolumeStub } from '../../wire/host-volume.ts'
import type { HostVolumeDeclaration } from '../declare/declaration.ts'
import { formatBytes } from '../declare/quantities.ts'
import { type Decision, ready, stall, take, wait } from './decision.ts'
import { compareHostVolume, expansionOf } from './host-volume-difference.ts'
import { chooseNode, isPlacedAt, type PlacementNode } from './host-volume-node.ts'
import { mayStillRun, nextOutcomeCheckMs } from './intent.ts'
import type { Now } from './now.ts'
import type { HostVolumeRecord } from './record.ts'
import { stallImmutable } from './volume-update-plan.ts'

/** What a pass read for a host volume. */
export interface HostVolumeObservation {
  readonly namespaceExists: boolean
  /** The recorded volume; undefined: none is recorded, or Nomad does not have it. */
  readonly volume: HostVolume | undefined
  /** Every volume of the Nomad namespace that has the declared name. */
  readonly named: readonly HostVolumeStub[]
  /** The nodes of the declared pool, by ID. */
  readonly nodes: ReadonlyMap<string, PlacementNode>
  /** Allocations that may use the recorded volume. Only read where the plan depends on it. */
  readonly users: readonly string[]
  /** A person gave up the recorded volume. */
  readonly isRecreateOrdered: boolean
  readonly callsEndedBeforeMs: number | undefined
}

/** The decision, with what its step acts on. */
export interface PlannedHostVolume extends Decision {
  /** Of a create: the node. */
  readonly node?: Pick<PlacementNode, 'ID' | 'NodePool'>
  /** Of an adoption: the volume. */
  readonly adopts?: HostVolumeStub
}

const pollMs = 15_000
const lostPollMs = 60_000

/** Decides for one declared host volume. Pure. */
export function planHostVolume(
  { spec }: HostVolumeDeclaration,
  record: HostVolumeRecord,
  observation: HostVolumeObservation,
  now: Now,
): PlannedHostVolume {
  if (spec.suspend) {
    return {
      verdict: { state: 'suspended', reason: 'Suspended', message: 'spec.suspend is true: nothing is done' },
    }
  }
  if (record.externalID === undefined) return planUnknown(record, observation, now)
  return observation.volume === undefined
    ? planVanished(record, record.externalID, observation)
    : planPresent(record, observation.volume, observation, now)
}

/** The outcome of a sent create. It is settled by reading, and by a repeat on the same node where nothing is there. */
export function planSentCreate(
  record: HostVolumeRecord,
  { named, callsEndedBeforeMs }: HostVolumeObservation,
  now: Now,
): PlannedHostVolume | undefined {
  const { intent } = record
  if (intent === undefined) return undefined
  // No volume of this name was on the node when the create was sent, and a node takes no second one.
  const made = named.find(({ NodeID }) => NodeID === intent.request.NodeID)
  if (made !== undefined)
    return { ...take('adopt-host-volume', 'Created', `host volume ${made.ID} was created`), adopts: made }
  return mayStillRun(intent, callsEndedBeforeMs, now)
    ? wait(
        'OutcomeUnknown',
        'the answer to the create was lost; the create may still be running, so it is not repeated before its deadline',
        nextOutcomeCheckMs(intent, now),
      )
    : undefined
}

function planUnknown(
  record: HostVolumeRecord,
  observation: HostVolumeObservation,
  now: Now,
): PlannedHostVolume {
  const { key, intent, declaration } = record
  const { spec } = declaration
  const { named, nodes } = observation
  const sent = planSentCreate(record, observation, now)
  if (sent !== undefined) return sent
  if (intent !== undefined) {
    return take(
      'create-host-volume',
      'RepeatingCreate',
      `the answer to the create was lost and Nomad lists no volume "${spec.name}" on node ${intent.request.NodeID}; repeating it there`,
    )
  }
  if (!observation.namespaceExists)
    return wait('NamespaceNotFound', `waiting for Nomad namespace "${spec.namespace}" to exist`, pollMs)
  const placed = named.filter((volume) => isPlacedAt(spec.placement, volume, nodes))
  const [only, ...others] = placed
  if (only !== undefined && others.length > 0) {
    const list = placed.map(({ ID, NodeID }) => `${ID} on node ${NodeID}`).join(', ')
    return stall(
      'SeveralHostVolumes',
      `Nomad has ${placed.length} host volumes "${spec.name}" where the declaration says: ${list}. Mooring does not guess which one is meant. ${advise(reasons.SeveralHostVolumes.person.name())}`,
    )
  }
  if (only !== undefined) {
    return {
      ...take(
        'adopt-host-volume',
        'Adopting',
        `adopting Nomad's host volume ${only.ID} on node ${only.NodeID}`,
      ),
      adopts: only,
    }
  }
  const node = chooseNode(key, spec, nodes, new Set(named.map(({ NodeID }) => NodeID)))
  if ('why' in node) return wait('NoNode', `waiting for a node that can have the volume: ${node.why}`, pollMs)
  return {
    ...take(
      'create-host-volume',
      'Creating',
      `creating host volume "${spec.name}" on node ${node.Name} (${node.ID}) with plugin "${spec.pluginID}"`,
    ),
    node,
  }
}

function planVanished(
  record: HostVolumeRecord,
  externalID: string,
  observation: HostVolumeObservation,
): PlannedHostVolume {
  const { namespace, name, placement } = record.declaration.spec
  const [other] = observation.named.filter((volume) => isPlacedAt(placement, volume, observation.nodes))
  // It is only known from an earlier life of the declaration.
  if (record.identified === undefined && other !== undefined) {
    return {
      ...take(
        'adopt-host-volume',
        'Adopting',
        `adopting Nomad's host volume ${other.ID} on node ${other.NodeID}, instead of ${externalID}, which was released before`,
      ),
      adopts: other,
    }
  }
  if (observation.isRecreateOrdered) {
    return take(
      'recreate-host-volume',
      'Recreating',
      `a person gave up host volume ${externalID}; it is replaced`,
    )
  }
  return {
    ...stall(
      'HostVolumeVanished',
      `Nomad no longer has host volume ${externalID}${record.nodeID === undefined ? '' : `, which was on node ${record.nodeID}`}. Mooring never replaces it with a blank one by itself. ${advise(reasons.HostVolumeVanished.person.recreate({ target: `${namespace}/${name}`, externalID }))}`,
    ),
    againAfterMs: lostPollMs,
  }
}

function planPresent(
  record: HostVolumeRecord,
  volume: HostVolume,
  observation: HostVolumeObservation,
  now: Now,
): PlannedHostVolume {
  const { spec } = record.declaration
  const { intent } = record
  if (observation.isRecreateOrdered)
    return take(
      'forget-recreate-order',
      'NotRecreated',
      `host volume ${volume.ID} is back, so it is not recreated; removing the order`,
    )
  const differences = compareHostVolume(spec, volume, observation.nodes)
  if (differences.length > 0) return stallImmutable(differences)
  const max = spec.capacity?.max
  if (max !== undefined && max < BigInt(volume.CapacityBytes)) {
    const size = formatBytes(BigInt(volume.CapacityBytes))
    return stall(
      'CannotShrink',
      `the volume has ${size}, and spec.capacity.max is ${formatBytes(max)}. ${advise(reasons.CannotShrink.person.raise({ size }))}`,
    )
  }
  if (volume.State === 'unavailable') {
    return wait(
      'HostVolumeUnavailable',
      `host volume ${volume.ID} is unavailable: its node ${volume.NodeID} is away, or no longer has it. No other volume is made in its place. ${advise(reasons.HostVolumeUnavailable.person.bringBack(), reasons.HostVolumeUnavailable.person.force({ namespace: volume.Namespace, externalID: volume.ID }))}`,
      pollMs,
    )
  }
  const toBytes = expansionOf(spec, volume)
  if (toBytes !== undefined) {
    if (intent !== undefined && mayStillRun(intent, observation.callsEndedBeforeMs, now)) {
      return wait(
        'OutcomeUnknown',
        'the answer to the expand was lost; it may still be running, so it is not repeated before its deadline',
        nextOutcomeCheckMs(intent, now),
      )
    }
    if (observation.users.length > 0) {
      return wait(
        'InUse',
        `growing to ${formatBytes(toBytes)} waits for allocations ${observation.users.join(', ')}: Nomad grows a host volume only while nothing uses it`,
        pollMs,
      )
    }
    return take(
      'expand-host-volume',
      'Expanding',
      `expanding host volume ${volume.ID} to ${formatBytes(toBytes)}`,
    )
  }
  if (volume.State === 'pending')
    return wait(
      'HostVolumePending',
      `waiting for node ${volume.NodeID} to report host volume ${volume.ID}`,
      pollMs,
    )
  return ready('AsDeclared', 'the volume is as declared')
}
