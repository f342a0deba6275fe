import { join } from 'node:path'
import type { PluginClient } from '../../src/csi/plugin-client.ts'
import { type Call, groupNames, kindOfVolume, targetCount, volumeNames } from './history.ts'
import { type Effects, no, Violation } from './model.ts'
import { planCreate, planGroup, planSnapshot } from './plan-copies.ts'
import {
  capabilityOf,
  forgotten,
  idOf,
  mebibyte,
  numbers,
  type PlannedCall,
  placesOf,
  snapshotID,
  targetsOf,
  volumeID,
} from './planned-call.ts'
import type { RunningHistory } from './run-history.ts'
import { spell } from './spelling.ts'

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
