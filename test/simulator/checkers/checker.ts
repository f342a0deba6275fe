import type { OrderName } from '../acts.ts'
import type { ObjectWorld } from '../objects/world.ts'
import type { Wishes } from '../wishes.ts'
import type { Happened, History } from '../world/history.ts'
import type { SimulatedNomad } from '../world/nomad.ts'
import type { SimulatedPlugin } from '../world/plugin.ts'

/** Something that must never happen, and did. */
export interface Violation {
  /** The sentence of the design that it breaks. */
  readonly rule: string
  readonly text: string
  readonly atMs: number
}

/** All that an onlooker knows. Nothing of it is what Mooring believes. */
export interface View {
  readonly nowMs: number
  readonly wishes: Pick<Wishes, 'all'> & Partial<Pick<Wishes, 'files'>>
  /** How long something must be removed before it may end. A deleted object ends at once. */
  readonly pruneDelayMs: number
  /** Where objects declare. */
  readonly objects: ObjectWorld | undefined
  readonly nomad: SimulatedNomad
  readonly plugin: SimulatedPlugin
  readonly history: History
  /** The Nomad volume that a disk was made for, though it may be gone. */
  madeFor(externalID: string): string | undefined
  /** Who holds the Lease now. */
  holder(): string | undefined
  /** Orders that people gave, whether they were taken or not. */
  readonly orders: readonly {
    readonly order: OrderName
    readonly volume: string
    /** The identity that it is for. */
    readonly key: string
    readonly atMs: number
    /** Absent: it was refused, or nobody lived to take it. */
    readonly takenAtMs?: number
  }[]
}

/** Judges each thing that happens by one sentence of the design. */
export interface Checker {
  readonly rule: string
  /** @returns what is wrong, for people */
  judge(happened: Happened, view: View): string | undefined
}

/** `a` of `default/a`; undefined for what Mooring registers under an ID of its own. */
export function volumeOf(at: string): string | undefined {
  const name = at.slice(at.indexOf('/') + 1)
  return name.startsWith('mooring-deleting-') ? undefined : name
}
