import { momentOf } from '../../lib/clock.ts'
import { expansionOf } from '../plan/host-volume-difference.ts'
import { planHostVolumeEnd } from '../plan/host-volume-end-plan.ts'
import { poolToRead } from '../plan/host-volume-node.ts'
import {
  type HostVolumeObservation,
  type PlannedHostVolume,
  planHostVolume,
} from '../plan/host-volume-plan.ts'
import type { Key } from '../plan/identity.ts'
import type { HostVolumeRecord } from '../plan/record.ts'
import { firstIncarnation } from '../plan/released.ts'
import type { Status } from '../plan/status.ts'
import { absenceOf, endingDeclaration, planAbsentDeclaration } from './absence.ts'
import type { GatherContext } from './context.ts'
import type { HostVolumeSeen } from './host-volume-seen.ts'
import type { Kind } from './kind.ts'
import { adoptHostVolume } from './steps/adopt-host-volume.ts'
import { createHostVolume } from './steps/create-host-volume.ts'
import { deleteHostVolume } from './steps/delete-host-volume.ts'
import { expandHostVolume } from './steps/expand-host-volume.ts'
import { forgetRecreateOrder } from './steps/forget-recreate-order.ts'
import { recreateHostVolume } from './steps/recreate-host-volume.ts'
import { release } from './steps/release.ts'

/** Passes over dynamic host volumes. */
export function hostVolumeKind(
  context: GatherContext,
): Kind<HostVolumeRecord, HostVolumeSeen, PlannedHostVolume> {
  return {
    begin: (key) => beginHostVolume(context, key),
    gather: (record) => gather(context, record),
    plan(record, seen, now) {
      if (seen.by === 'held') return planAbsentDeclaration(seen.absence, record)
      return seen.by === 'declared'
        ? planHostVolume(record.declaration, record, seen.observation, now)
        : planHostVolumeEnd(record, seen.observation, now)
    },
    steps: {
      'create-host-volume': createHostVolume,
      'adopt-host-volume': adoptHostVolume,
      'expand-host-volume': expandHostVolume,
      'recreate-host-volume': recreateHostVolume,
      'forget-recreate-order': forgetRecreateOrder,
      'delete-host-volume': deleteHostVolume,
      release,
    },
    // An expand whose answer was lost has worked.
    asDeclared({ intent: _, ...record }, seen) {
      const volume = seen.by === 'held' ? undefined : seen.observation.volume
      if (volume === undefined || record.identified !== undefined) return record
      return { ...record, nodeID: volume.NodeID, identified: momentOf(context.clock) }
    },
    present: presentHostVolume,
  }
}

function beginHostVolume(context: GatherContext, key: Key): HostVolumeRecord {
  const { inventory, desired } = context
  const before = inventory.get(key)
  const ending = endingDeclaration(absenceOf(context, key))
  const declaration = desired.declaration(key) ?? ending
  if (before?.kind === 'HostVolume') {
    // A sent delete finishes with the declaration that it began with, unless a person released the object.
    const isReleased = ending?.kind === 'HostVolume' && ending.spec.deletionPolicy === 'Retain'
    if (before.end !== undefined && !isReleased) return { ...before, declaration: before.end.declaration }
    return declaration?.kind === 'HostVolume' ? { ...before, declaration } : before
  }
  if (declaration?.kind !== 'HostVolume') throw new Error(`${key} is neither declared nor managed`)
  const released = inventory.findReleased('key', key)
  const [left] = released
    .filter(({ reason, externalID }) => reason === 'Retained' && externalID !== '')
    .sort((one, other) => other.atMs - one.atMs)
  return {
    kind: 'HostVolume',
    key,
    declaration,
    csiName: declaration.spec.name,
    incarnation: firstIncarnation(released, key),
    // Declared again, it is the same volume: if that is lost, no blank one takes its place.
    ...(left === undefined ? {} : { externalID: left.externalID }),
    status: { conditions: [] },
  }
}

async function gather(context: GatherContext, record: HostVolumeRecord): Promise<HostVolumeSeen> {
  const { observer, desired } = context
  const { key, end } = record
  const absence = absenceOf(context, key)
  // A delete that was sent finishes first, even if the volume is declared again: then another one is made.
  if (end === undefined && desired.declaration(key) !== undefined)
    return { by: 'declared', observation: await observe(context, record, false) }
  if (end === undefined && absence?.state !== 'ending') return { by: 'held', absence }
  return { by: 'ending', observation: await observe(context, record, true) }

  async function observe(
    { inventory, callsEndedBeforeMs }: GatherContext,
    { declaration: { spec }, externalID, identified }: HostVolumeRecord,
    isEnding: boolean,
  ): Promise<HostVolumeObservation> {
    const { namespace, name, placement } = spec
    const volume = externalID === undefined ? undefined : await observer.hostVolume(namespace, externalID)
    const isSettled = volume !== undefined
    const isSearching = externalID === undefined || (!isSettled && identified === undefined)
    // Only a declared name of a node, or the choice of one, needs the nodes.
    const needsNodes = !isEnding && (placement.node !== undefined || isSearching)
    const mayChange = volume !== undefined && (isEnding || expansionOf(spec, volume) !== undefined)
    return {
      namespaceExists: isSettled || isEnding || (await observer.namespaceExists(namespace)),
      volume,
      named: isSearching ? await observer.findHostVolumes(namespace, name) : [],
      nodes: needsNodes ? await observer.nodesOf(poolToRead(placement)) : new Map(),
      users: mayChange ? await usersOf(volume.NodeID) : [],
      isRecreateOrdered:
        inventory.orders(key).recreate?.externalID === externalID && externalID !== undefined,
      callsEndedBeforeMs,
    }

    /** Nomad's own list of a volume's allocations overlooks some, so both are asked. */
    async function usersOf(nodeID: string): Promise<readonly string[]> {
      return [
        ...new Set([...claimsOf(volume), ...(await observer.usersOfHostVolume(namespace, nodeID, name))]),
      ]
    }
  }
}

function claimsOf(volume: HostVolumeObservation['volume']): readonly string[] {
  // `lost` is only what the servers guess.
  const ended = ['complete', 'failed']
  return (volume?.Allocations ?? [])
    .filter(({ ClientStatus }) => !ended.includes(ClientStatus))
    .map(({ ID }) => ID)
}

function presentHostVolume(
  { declaration, externalID, nodeID }: HostVolumeRecord,
  seen: HostVolumeSeen | undefined,
): Partial<Status> {
  const volume = seen === undefined || seen.by === 'held' ? undefined : seen.observation.volume
  return {
    pluginID: declaration.spec.pluginID,
    ...(externalID === undefined ? {} : { externalID }),
    ...(volume === undefined || BigInt(volume.CapacityBytes) === 0n
      ? {}
      : { sizeBytes: volume.CapacityBytes }),
    ...(volume === undefined ? {} : { claims: claimsOf(volume) }),
    ...(nodeID === undefined ? {} : { attachedNodes: [nodeID] }),
  }
}
