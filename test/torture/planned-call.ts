import type { PluginClient } from '../../src/csi/plugin-client.ts'
import { chooseID } from '../../src/driver/names.ts'
import { snapshotNames, stagingCount, targetCount, volumeNames } from './history.ts'
import type { Effects } from './model.ts'

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

/** The ID that a name gets while nothing else has it. */
export const idOf = (name: string) => chooseID(name, () => false)
export const volumeID = (volume: number) => idOf(volumeNames[volume] ?? '')
export const snapshotID = (snapshot: number) => idOf(snapshotNames[snapshot] ?? '')
export const mebibyte = 2 ** 20

export const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)
export const placesOf = (id: string) => numbers(stagingCount).map((place) => `staged:${id}:${place}`)
export const targetsOf = (id: string) => numbers(targetCount).map((target) => `published:${id}:${target}`)

export const capabilityOf = (kind: 'mount' | 'block') =>
  ({ [kind]: {}, accessMode: { mode: 'SINGLE_NODE_MULTI_WRITER' } }) as const

/** What a publication that the machine forgot is: recorded, and not to be seen. */
export const forgotten = 'forgotten'
