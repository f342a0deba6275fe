import { type Call, groupNames, kindOfVolume, snapshotNames, volumeNames } from './history.ts'
import { anything, no, Violation } from './model.ts'
import {
  capabilityOf,
  idOf,
  mebibyte,
  type PlannedCall,
  snapshotID,
  targetsOf,
  volumeID,
} from './planned-call.ts'
import type { RunningHistory } from './run-history.ts'

/** What a copy of a volume may hold: what the volume holds, or anything where somebody may write meanwhile. */
function contentsToCopy({ model }: RunningHistory, id: string, isAskedLive: boolean): string[] {
  const isLive = isAskedLive || model.possible(`live:${id}`).has('allow')
  const mayBeWritten = targetsOf(id).some((attribute) => model.possible(attribute).has('rw'))
  if (isLive && mayBeWritten) return [anything]
  return [...model.possible(`content:${id}`)].filter((content) => content !== no)
}

export function planCreate(running: RunningHistory, call: Call & { do: 'create' }): PlannedCall {
  const { model, memberIDs } = running
  const id = volumeID(call.volume)
  const kind = kindOfVolume(call.volume)
  const { source } = call
  const bytes = call.mebibytes * mebibyte
  const volume = volumeID(source?.index ?? 0)
  const snapshot = snapshotID((source?.index ?? 0) % snapshotNames.length)
  const group = idOf(groupNames[(source?.index ?? 0) % groupNames.length] ?? '')
  const [memberVolume, member] = [...(memberIDs.get(group) ?? [])][0] ?? ['', 'unknown-member']
  const contents = (): string[] => {
    if (source === undefined) return [kind === 'mount' ? 'empty' : 'zeros']
    if (source.type === 'volume') return contentsToCopy(running, volume, call.live)
    const attribute =
      source.type === 'snapshot' ? `snapshotContent:${snapshot}` : `memberContent:${group}:${memberVolume}`
    return [...model.possible(attribute)].filter((content) => content !== no)
  }
  const given = {
    volume: { volume: { volumeId: volume } },
    snapshot: { snapshot: { snapshotId: snapshot } },
    member: { snapshot: { snapshotId: member } },
  }
  const atStart = contents()
  return {
    title: JSON.stringify(call),
    volumeIDs: source?.type === 'volume' ? [id, volume] : [id],
    effects: {
      [`volume:${id}`]: ['yes'],
      [`content:${id}`]: atStart,
      [`capacity:${id}`]: [source === undefined ? `${bytes}` : anything],
    },
    ifNew: { existence: `volume:${id}`, sets: [`content:${id}`, `capacity:${id}`] },
    async send(client) {
      const answer = await client.createVolume({
        name: volumeNames[call.volume] ?? '',
        volumeCapabilities: [capabilityOf(kind)],
        capacityRange: { requiredBytes: bytes },
        parameters: call.live ? { live: 'allow' } : {},
        ...(source && { volumeContentSource: given[source.type] }),
      })
      if (answer.volume?.volumeId !== id) {
        throw new Violation(
          `CreateVolume gave the ID ${answer.volume?.volumeId}, and the free ID ${id} was there`,
        )
      }
      return {
        [`content:${id}`]: [...atStart, ...contents()],
        [`capacity:${id}`]: [`${answer.volume.capacityBytes}`],
      }
    },
  }
}

export function planSnapshot(running: RunningHistory, call: Call & { do: 'snapshot' }): PlannedCall {
  const volume = volumeID(call.volume)
  const id = snapshotID(call.snapshot)
  const atStart = contentsToCopy(running, volume, call.live)
  const own = { existence: `snapshot:${id}`, sets: [`of:${id}`, `snapshotContent:${id}`] }
  return {
    title: JSON.stringify(call),
    volumeIDs: [volume],
    effects: {
      [`snapshot:${id}`]: ['yes'],
      [`ready:${id}`]: ['yes', 'not yet'],
      [`of:${id}`]: [volume],
      [`snapshotContent:${id}`]: atStart,
    },
    ifNew: own,
    async send(client) {
      const { snapshot } = await client.createSnapshot({
        name: snapshotNames[call.snapshot] ?? '',
        sourceVolumeId: volume,
        parameters: call.live ? { live: 'allow' } : {},
      })
      if (snapshot?.snapshotId !== id)
        throw new Violation(`CreateSnapshot gave the ID ${snapshot?.snapshotId}`)
      return {
        [`ready:${id}`]: snapshot.readyToUse ? ['yes'] : ['yes', 'not yet'],
        [`snapshotContent:${id}`]: [...atStart, ...contentsToCopy(running, volume, call.live)],
      }
    },
  }
}

export function planGroup(running: RunningHistory, call: Call & { do: 'group' }): PlannedCall {
  const volumes = call.volumes.map(volumeID).sort()
  const id = idOf(groupNames[call.group] ?? '')
  // A group is of one moment, so no volume of it is copied live.
  const contents = () =>
    Object.fromEntries(
      volumes.map((volume) => [
        `memberContent:${id}:${volume}`,
        [...running.model.possible(`content:${volume}`)].filter((content) => content !== no),
      ]),
    )
  const atStart = contents()
  return {
    title: JSON.stringify(call),
    volumeIDs: volumes,
    effects: { [`group:${id}`]: [volumes.join('+')], ...atStart },
    ifNew: { existence: `group:${id}`, sets: Object.keys(atStart) },
    async send(client) {
      const { groupSnapshot } = await client.createVolumeGroupSnapshot({
        name: groupNames[call.group] ?? '',
        sourceVolumeIds: volumes,
      })
      running.memberIDs.set(
        id,
        new Map(
          groupSnapshot?.snapshots.map(({ sourceVolumeId, snapshotId }) => [sourceVolumeId, snapshotId]),
        ),
      )
      const atEnd = contents()
      return Object.fromEntries(
        Object.entries(atStart).map(([attribute, values]) => [
          attribute,
          [...values, ...(atEnd[attribute] ?? [])],
        ]),
      )
    },
  }
}
