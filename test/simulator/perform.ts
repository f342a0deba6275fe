import type { Order } from '../../src/operator/orders/order.ts'
import type { Act, OrderName } from './acts.ts'
import { damages, identityOf, writeDocuments } from './documents.ts'
import type { Mooring } from './mooring.ts'
import type { Wishes } from './wishes.ts'
import type { Folder } from './world/folder.ts'
import { calm, type Network, type Weather } from './world/network.ts'
import { pluginID, type SimulatedNomad } from './world/nomad.ts'
import type { SimulatedPlugin } from './world/plugin.ts'

/** What a person mounts volumes with that are registered by hand. */
export const handMountFlag = 'noatime'

/** What acts change. */
export interface Stage {
  readonly folder: Folder
  readonly wishes: Wishes
  readonly nomad: SimulatedNomad
  readonly plugin: SimulatedPlugin
  readonly network: Network
  readonly mooring: Mooring
  order(name: OrderName, volume: string, order: Order): void
}

/** Carries out an act. One that makes no sense at this moment does nothing, so that any part of a history is one. */
export function perform(act: Act, stage: Stage): unknown {
  const { folder, wishes, nomad, plugin, network, mooring } = stage
  const isThere = folder.state === 'there' && folder.isMounted()
  switch (act.do) {
    case 'write': {
      if (!isThere) return
      // Nobody declares the same thing in two files on purpose.
      const elsewhere = [...wishes.files].some(
        ([file, { documents }]) =>
          file !== act.file &&
          documents.some((one) => act.documents.some((other) => identityOf(one) === identityOf(other))),
      )
      if (elsewhere) return
      folder.write(act.file, writeDocuments(act.documents))
      return wishes.write(act.file, act.documents)
    }
    case 'duplicate':
      if (!isThere) return
      folder.write(act.file, writeDocuments(act.documents))
      return wishes.write(act.file, act.documents)
    case 'remove':
      if (!isThere) return
      folder.remove(act.file)
      return wishes.remove(act.file)
    case 'damage': {
      const meant = wishes.files.get(act.file)
      if (!isThere || meant === undefined) return
      folder.write(act.file, damages[act.damage](writeDocuments(meant.documents)))
      return wishes.damage(act.file, act.damage)
    }
    case 'repair': {
      const meant = wishes.files.get(act.file)
      if (!isThere || meant?.damage === undefined) return
      folder.write(act.file, writeDocuments(meant.documents))
      return wishes.damage(act.file, undefined)
    }
    case 'move':
      if (!isThere || !wishes.files.has(act.file) || wishes.files.has(act.to)) return
      folder.rename(act.file, act.to)
      return wishes.move(act.file, act.to)
    case 'folder':
      if (act.to === 'unmounted') folder.unmount()
      else if (act.to === 'back') {
        folder.mount()
        folder.setState('there')
      } else folder.setState(act.to)
      return wishes.setReadable(act.to === 'back')
    case 'claim':
      nomad.workloads.claim(at(act.volume), act.node)
      return
    case 'stop':
      return nomad.workloads.stop(at(act.volume))
    case 'leave':
      return nomad.workloads.leave(at(act.volume))
    case 'collect':
      return nomad.workloads.collect(at(act.volume))
    case 'write data':
      return nomad.workloads.write(at(act.volume))
    case 'deregister':
      if (nomad.workloads.claimsOn(at(act.volume)).length === 0) nomad.forget(at(act.volume), 'a person')
      return
    case 'destroy disk': {
      const externalID = nomad.volumes.get(at(act.volume))?.ExternalID
      if (externalID === undefined) return
      nomad.workloads.fail(externalID)
      return plugin.delete(externalID, 'a person', false)
    }
    case 'destroy snapshot': {
      const externalID = nomad.volumes.get(at(act.of))?.ExternalID
      const found = [...plugin.snapshots.values()].find((each) => each.externalID === externalID)
      if (found !== undefined) plugin.deleteSnapshot(found.snapshotID, 'a person')
      return
    }
    case 'node':
      return nomad.workloads.changeNode(act.node, act.to)
    case 'order': {
      const order = orderOf(act.order, act.volume, stage)
      if (order !== undefined) stage.order(act.order, act.volume, order)
      return
    }
    case 'plugin':
      return nomad.setPluginAway(act.isAway)
    case 'detach endpoint':
      nomad.conditions.isDetachBroken = act.isBroken
      return
    case 'weather':
      network.weather = settle({ ...network.weather, [act.kind]: act.share })
      return
    case 'register by hand': {
      const isFree = ![...plugin.disks.values(), ...plugin.deleted.values()].some(
        ({ madeFor }) => madeFor === at(act.volume),
      )
      if (!isFree || nomad.volumes.has(at(act.volume)) || nomad.conditions.isPluginAway) return
      const name = `by-hand-${act.volume}`
      const { externalID } = plugin.create({ name, at: at(act.volume), sizeBytes: 1000 })
      return nomad.register(
        {
          ID: act.volume,
          Namespace: 'default',
          Name: name,
          ExternalID: externalID,
          PluginID: pluginID,
          RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
          MountOptions: { MountFlags: [handMountFlag] },
          Secrets: { key: 'by hand' },
          Context: { disk: externalID },
        },
        'a person',
      )
    }
    case 'kill':
      return mooring.kill(act.who, act.downMs)
    case 'pause':
      return mooring.pause(act.who, act.downMs)
    case 'kill at':
      return mooring.killAt(act.count, act.downMs)
    case 'set clock':
      return mooring.setClock(act.byMs)
    default:
      // There are no objects.
      return
  }
}

const settle = (weather: Weather): Weather =>
  Object.values(weather).every((share) => share === 0) ? calm : weather

const at = (volume: string) => `default/${volume}`

/** The order as its command would give it; undefined: a person sees that there is nothing to order. */
function orderOf(name: OrderName, volume: string, { plugin, nomad }: Stage): Order | undefined {
  const key = `Volume/default/${volume}`
  const made = [...plugin.disks.values(), ...plugin.deleted.values()].filter(
    ({ madeFor }) => madeFor === at(volume),
  )
  const current = nomad.volumes.get(at(volume))?.ExternalID
  switch (name) {
    case 'suspend':
    case 'resume':
      return { type: name, key }
    case 'cancel end':
      return { type: 'cancelEnd', key }
    case 'recreate': {
      const lost = made.filter(({ externalID }) => !plugin.disks.has(externalID)).at(-1)
      return lost && { type: 'recreate', key, lostExternalID: lost.externalID }
    }
    case 'restore': {
      const taken = [...plugin.snapshots.values()].findLast(({ externalID }) => externalID === current)
      return taken && { type: 'restore', key, snapshot: taken.snapshotID }
    }
    case 'go back': {
      const before = made.findLast(({ externalID }) => externalID !== current && plugin.disks.has(externalID))
      return before && { type: 'restoreBack', key, externalID: before.externalID }
    }
    case 'undo restore':
      return { type: 'undoRestore', key }
    case 'snapshot now':
      return { type: 'takeSnapshots', key }
    case 'keep': {
      const taken = [...plugin.snapshots.values()].find((each) => each.name.startsWith('hourly'))
      const [, schedule, volume, time] = /^(hourly)-(.+)-(\d{8}t\d{6}z)-/.exec(taken?.name ?? '') ?? []
      if (time === undefined) return undefined
      return {
        type: 'keepSnapshot',
        key: `Snapshot/default/${schedule}:${volume}:${time.toUpperCase()}`,
      }
    }
    case 'node is dead': {
      // A person who gives their word has looked.
      const node = nomad.workloads.isDead('n1') ? 'n1' : nomad.workloads.isDead('n2') ? 'n2' : undefined
      return node && { type: 'detach', key, node }
    }
  }
}
