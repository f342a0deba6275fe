import type { Damage, Document } from './documents.ts'
import { describeObjectAct, type ObjectAct } from './objects/acts.ts'
import type { Weather } from './world/network.ts'
import type { NodeID } from './world/workloads.ts'

/** One thing that a person, a workload, the weather or fate does. Plain data, so that a history can be shortened. */
export type Act =
  | ObjectAct
  | { readonly do: 'write'; readonly file: string; readonly documents: readonly Document[] }
  /** By mistake: another file declares the same already. */
  | { readonly do: 'duplicate'; readonly file: string; readonly documents: readonly Document[] }
  | { readonly do: 'remove'; readonly file: string }
  | { readonly do: 'damage'; readonly file: string; readonly damage: Damage }
  | { readonly do: 'repair'; readonly file: string }
  | { readonly do: 'move'; readonly file: string; readonly to: string }
  | { readonly do: 'folder'; readonly to: 'unmounted' | 'gone' | 'unreadable' | 'back' }
  | { readonly do: 'claim'; readonly volume: string; readonly node: NodeID }
  | {
      readonly do: 'stop' | 'leave' | 'collect' | 'write data' | 'deregister' | 'destroy disk'
      readonly volume: string
    }
  | { readonly do: 'node'; readonly node: NodeID; readonly to: 'partitioned' | 'dead' | 'back' }
  | { readonly do: 'destroy snapshot'; readonly of: string }
  | { readonly do: 'order'; readonly order: OrderName; readonly volume: string }
  | { readonly do: 'plugin'; readonly isAway: boolean }
  | { readonly do: 'detach endpoint'; readonly isBroken: boolean }
  | { readonly do: 'weather'; readonly kind: keyof Weather; readonly share: number }
  | { readonly do: 'register by hand'; readonly volume: string }
  /** The one that works, or the other one. */
  | { readonly do: 'kill' | 'pause'; readonly who: 'leader' | 'standby'; readonly downMs: number }
  /** At the moment when it sends the n-th effect from now, or stores the n-th record. */
  | { readonly do: 'kill at'; readonly count: number; readonly downMs: number }
  | { readonly do: 'set clock'; readonly byMs: number }

export type OrderName =
  | 'suspend'
  | 'resume'
  | 'cancel end'
  | 'recreate'
  | 'restore'
  | 'go back'
  | 'undo restore'
  | 'snapshot now'
  | 'keep'
  | 'node is dead'

export interface TimedAct {
  readonly atMs: number
  readonly act: Act
}

/** For people. */
export function describeAct(act: Act): string {
  switch (act.do) {
    case 'write':
      return `a person writes ${act.file}: ${act.documents.map(describeDocument).join('; ') || 'nothing'}`
    case 'duplicate':
      return `a person copies a declaration to ${act.file}: ${act.documents.map(describeDocument).join('; ')}`
    case 'remove':
      return `a person removes ${act.file}`
    case 'damage':
      return `${act.file} is ${act.damage}`
    case 'repair':
      return `a person puts ${act.file} right again`
    case 'move':
      return `a person renames ${act.file} to ${act.to}`
    case 'folder':
      return act.to === 'back' ? 'the folder is back' : `the folder is ${act.to}`
    case 'claim':
      return `an allocation on ${act.node} claims volume ${act.volume} and writes`
    case 'stop':
      return `the allocations of volume ${act.volume} stop`
    case 'leave':
      return `the allocations of volume ${act.volume} stop, and Nomad keeps their claims`
    case 'collect':
      return `Nomad forgets the ended allocations of volume ${act.volume}`
    case 'write data':
      return `data is written to volume ${act.volume}`
    case 'deregister':
      return `a person deregisters volume ${act.volume} in Nomad`
    case 'destroy disk':
      return `the disk of volume ${act.volume} is lost at the provider`
    case 'node':
      return `node ${act.node} is ${act.to}`
    case 'destroy snapshot':
      return `a snapshot of volume ${act.of} is lost at the provider`
    case 'order':
      return `a person orders "${act.order}" for volume ${act.volume}`
    case 'plugin':
      return act.isAway ? 'the plugin goes away' : 'the plugin is there'
    case 'detach endpoint':
      return `Nomad's Detach ${act.isBroken ? 'fails' : 'works'}`
    case 'weather':
      return `from now on ${Math.round(act.share * 100)} % of the calls meet: ${act.kind}`
    case 'register by hand':
      return `a person registers volume ${act.volume} in Nomad, with secrets and mount flags`
    case 'kill':
      return `the ${act.who} of Mooring is killed, and starts again after ${act.downMs / 1000} s`
    case 'pause':
      return `the ${act.who} of Mooring stands still for ${act.downMs / 1000} s`
    case 'kill at':
      return `Mooring is killed at its effect number ${act.count} from now, and starts again after ${act.downMs / 1000} s`
    case 'set clock':
      return `the wall clock is set by ${act.byMs / 1000} s`
    default:
      return describeObjectAct(act)
  }
}

function describeDocument(document: Document): string {
  const { kind, name, ...rest } = document
  const fields = Object.entries(rest).map(([field, value]) => `${field} ${value}`)
  return `${kind} ${name} (${fields.join(', ')})`
}
