import { join } from 'node:path'
import type { PluginClient } from '../../src/csi/plugin-client.ts'
import { chooseID } from '../../src/driver/names.ts'
import {
  type Call,
  groupNames,
  kindOfVolume,
  snapshotNames,
  stagingCount,
  targetCount,
  volumeNames,
} from './history.ts'
import { anything, type Effects, no, Violation } from './model.ts'
import type { RunningHistory } from './run-history.ts'
import { spell } from './spelling.ts'

/** One call, ready to be sent: what it may do, and what its answer says. */
export interface PlannedCall {
  readonly title: string
  readonly effects: Effects
  readonly ifNew?: { readonly existence: string; readonly sets: readonly string[] }
  /** The volumes that it is about: none is written to by its workload meanwhile. */
  readonly volumeIDs: readonly string[]
  /** Gives what the answer tells, by attribute. */
  send(client: PluginClient): Promise<Effects>
  /** Attributes that must have had one of these values at some moment of a call that is answered OK. */
  readonly requires?: Effects
  /** What the answer NOT_FOUND would deny. */
  readonly about?: string
}

const idOf = (name: string) => chooseID(name, () => false)
export const volumeID = (volume: number) => idOf(volumeNames[volume] ?? '')
export const snapshotID = (snapshot: number) => idOf(snapshotNames[snapshot] ?? '')
export const mebibyte = 2 ** 20

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)
export const placesOf = (id: string) => numbers(stagingCount).map((place) => `staged:${id}:${place}`)
export const targetsOf = (id: string) => numbers(targetCount).map((target) => `published:${id}:${target}`)

export const capabilityOf = (kind: 'mount' | 'block') =>
  ({ [kind]: {}, accessMode: { mode: 'SINGLE_NODE_MULTI_WRITER' } }) as const

/** What a publication that the machine forgot is: recorded, and not to be seen. */
export const forgotten = 'forgotten'

/** What a call would do, given what is known now. */
export function planCall(running: RunningHistory, call: Call): PlannedCall {
  const { model, machine, memberIDs } = running
  const target = (index: number, spelling: number) =>
    spell(join(machine.targets, `t${index}`), spelling, machine.linked.targets)
  const staging = (index: number, spelling: number) =>
    spell(join(machine.stagings, `s${index}`), spelling, machine.linked.stagings)
  const id = 'volume' in call ? volumeID(call.volume) : ''
  const capability = 'volume' in call ? capabilityOf(kindOfVolume(call.volume)) : capabilityOf('mount')
  const unused = { [`attached:${id}`]: [no], ...all(placesOf(id), [no]), ...all(targetsOf(id), [no]) }
  const isUnseen = all(targetsOf(id), [no, forgotten])
  const basics = { title: JSON.stringify(call), volumeIDs: id === '' ? [] : [id] }

  switch (call.do) {
    case 'create':
      return planCreate(running, call)
    case 'delete':
      return {
        ...basics,
        effects: {
          ...unused,
          [`volume:${id}`]: [no],
          [`content:${id}`]: [no],
          [`capacity:${id}`]: [no],
          [`live:${id}`]: [no],
        },
        requires: { ...unused, ...isUnseen },
        send: (client) => client.deleteVolume({ volumeId: id }).then(() => ({})),
      }
    case 'attach':
      return {
        ...basics,
        effects: { [`attached:${id}`]: [call.readonly ? 'ro' : 'rw'] },
        requires: { [`volume:${id}`]: ['yes'] },
        about: `volume:${id}`,
        send: (client) =>
          client
            .controllerPublishVolume({
              volumeId: id,
              nodeId: 'node-1',
              volumeCapability: capability,
              readonly: call.readonly,
            })
            .then(() => ({})),
      }
    case 'detach':
      return {
        ...basics,
        // Where it was attached, its stagings and forgotten publications end with the attachment.
        effects: {
          [`attached:${id}`]: [no],
          ...orAsBefore(running, [...placesOf(id), ...targetsOf(id)]),
        },
        send: (client) => client.controllerUnpublishVolume({ volumeId: id }).then(() => ({})),
      }
    case 'stage':
    case 'unstage': {
      const path = staging(call.place, call.spelling)
      const attribute = `staged:${id}:${call.place}`
      const request = { volumeId: id, stagingTargetPath: path }
      return call.do === 'stage'
        ? {
            ...basics,
            effects: { [attribute]: ['yes'] },
            requires: { [`volume:${id}`]: ['yes'] },
            about: `volume:${id}`,
            send: (client) =>
              client.nodeStageVolume({ ...request, volumeCapability: capability }).then(() => ({})),
          }
        : {
            ...basics,
            effects: { [attribute]: [no] },
            send: (client) => client.nodeUnstageVolume(request).then(() => ({})),
          }
    }
    case 'publish': {
      const attribute = `published:${id}:${call.target}`
      const others = numbers(volumeNames.length).filter((volume) => volume !== call.volume)
      const mode = call.readonly || running.model.possible(`attached:${id}`).has('ro') ? ['ro'] : ['rw']
      return {
        ...basics,
        effects: { [attribute]: call.readonly ? mode : ['rw', ...mode] },
        requires: {
          [`volume:${id}`]: ['yes'],
          ...all(
            others.map((volume) => `published:${volumeID(volume)}:${call.target}`),
            [no, forgotten],
          ),
        },
        send: (client) =>
          client
            .nodePublishVolume({
              volumeId: id,
              targetPath: target(call.target, call.spelling),
              stagingTargetPath: staging(call.place, call.spelling + 1),
              volumeCapability: capability,
              readonly: call.readonly,
            })
            .then(() => ({})),
      }
    }
    case 'unpublish':
      return {
        ...basics,
        effects: { [`published:${id}:${call.target}`]: [no] },
        send: (client) =>
          client
            .nodeUnpublishVolume({ volumeId: id, targetPath: target(call.target, call.spelling) })
            .then(() => ({})),
      }
    case 'expand': {
      const bytes = call.mebibytes * mebibyte
      const capacity = `capacity:${id}`
      return {
        ...basics,
        effects: { [capacity]: [`${bytes}`, ...model.possible(capacity)].filter((value) => value !== no) },
        requires: { [`volume:${id}`]: ['yes'] },
        about: `volume:${id}`,
        send: (client) =>
          client
            .controllerExpandVolume({ volumeId: id, capacityRange: { requiredBytes: bytes } })
            .then(({ capacityBytes }) => ({ [capacity]: [`${capacityBytes}`] })),
      }
    }
    case 'modify': {
      const live = call.live ? 'allow' : 'refuse'
      return {
        ...basics,
        effects: { [`live:${id}`]: [live] },
        requires: { [`volume:${id}`]: ['yes'] },
        about: `volume:${id}`,
        send: (client) =>
          client.controllerModifyVolume({ volumeId: id, mutableParameters: { live } }).then(() => ({})),
      }
    }
    case 'snapshot':
      return planSnapshot(running, call)
    case 'delete-snapshot': {
      const snapshot = snapshotID(call.snapshot)
      return {
        ...basics,
        effects: all(
          ['snapshot', 'ready', 'of', 'snapshotContent'].map((kind) => `${kind}:${snapshot}`),
          [no],
        ),
        send: (client) => client.deleteSnapshot({ snapshotId: snapshot }).then(() => ({})),
      }
    }
    case 'group':
      return planGroup(running, call)
    case 'delete-group': {
      const group = idOf(groupNames[call.group] ?? '')
      const members = model.attributes(`memberContent:${group}:`)
      return {
        ...basics,
        effects: all([`group:${group}`, ...members], [no]),
        async send(client) {
          const known = await client
            .getVolumeGroupSnapshot({ groupSnapshotId: group })
            .catch(() => ({ groupSnapshot: null }))
          const snapshotIds = known.groupSnapshot?.snapshots.map(({ snapshotId }) => snapshotId) ?? []
          await client.deleteVolumeGroupSnapshot({ groupSnapshotId: group, snapshotIds })
          memberIDs.delete(group)
          return {}
        },
      }
    }
    case 'get':
      return reading(basics, { [`volume:${id}`]: ['yes'] }, (client) =>
        client.controllerGetVolume({ volumeId: id }),
      )
    case 'statistics':
      return reading(basics, { [`volume:${id}`]: ['yes'] }, (client) =>
        client.nodeGetVolumeStats({
          volumeId: id,
          volumePath: target(call.spelling % targetCount, call.spelling),
        }),
      )
    case 'get-snapshot': {
      const snapshot = snapshotID(call.snapshot)
      return reading(basics, { [`snapshot:${snapshot}`]: ['yes'] }, (client) =>
        client.getSnapshot({ snapshotId: snapshot }),
      )
    }
    case 'get-group':
      return reading(basics, {}, (client) =>
        client.getVolumeGroupSnapshot({ groupSnapshotId: idOf(groupNames[call.group] ?? '') }),
      )
    case 'list':
      return planList(running, basics)
    case 'write':
      throw new Error('a write goes to the volume itself')
  }
}

const all = (attributes: readonly string[], values: readonly string[]): Record<string, readonly string[]> =>
  Object.fromEntries(attributes.map((attribute) => [attribute, values]))

const orAsBefore = ({ model }: RunningHistory, attributes: readonly string[]) =>
  Object.fromEntries(attributes.map((attribute) => [attribute, [no, ...model.possible(attribute)]]))

function reading(
  basics: { title: string; volumeIDs: readonly string[] },
  requires: Effects,
  send: (client: PluginClient) => Promise<unknown>,
): PlannedCall {
  return { ...basics, effects: {}, requires, send: (client) => send(client).then(() => ({})) }
}

/** What a copy of a volume may hold: what the volume holds, or anything where somebody may write meanwhile. */
function contentsToCopy({ model }: RunningHistory, id: string, isAskedLive: boolean): string[] {
  const isLive = isAskedLive || model.possible(`live:${id}`).has('allow')
  const mayBeWritten = targetsOf(id).some((attribute) => model.possible(attribute).has('rw'))
  if (isLive && mayBeWritten) return [anything]
  return [...model.possible(`content:${id}`)].filter((content) => content !== no)
}

function planCreate(running: RunningHistory, call: Call & { do: 'create' }): PlannedCall {
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

function planSnapshot(running: RunningHistory, call: Call & { do: 'snapshot' }): PlannedCall {
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

function planGroup(running: RunningHistory, call: Call & { do: 'group' }): PlannedCall {
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

/** A list that leaves out what is there, or shows what is gone, where nothing touched it meanwhile. */
function planList(
  { model }: RunningHistory,
  basics: { title: string; volumeIDs: readonly string[] },
): PlannedCall {
  return {
    ...basics,
    effects: {},
    async send(client) {
      const ids = volumeNames.map((_, volume) => volumeID(volume))
      const before = new Map(ids.map((id) => [id, model.touched(`volume:${id}`)]))
      const quiet = ids.filter((id) => model.isQuiet(`volume:${id}`))
      const listed = new Set(
        (await client.listAllVolumes({ maxEntries: 2 })).map((entry) => entry.volume?.volumeId),
      )
      for (const id of quiet) {
        const possible = model.possible(`volume:${id}`)
        const value = listed.has(id) ? 'yes' : no
        if (model.touched(`volume:${id}`) === before.get(id) && !possible.has(value)) {
          throw new Violation(`volume ${id} is ${listed.has(id) ? '' : 'not '}listed, against what was told`)
        }
      }
      return {}
    },
  }
}
