import type { FarSide } from './far-side.ts'
import type { PlantedText } from './hooks.ts'
import { effects } from './planted/effects.ts'
import { lives } from './planted/lives.ts'
import { loops } from './planted/loops.ts'
import { objects } from './planted/objects.ts'
import { removals } from './planted/removals.ts'
import { serverFaults } from './planted/server.ts'
import { times } from './planted/times.ts'
import type { Source } from './source.ts'

/** A fault as Mooring had one, or as every operator of its kind has had one. */
export interface PlantedFault extends PlantedText {
  /** A sentence that says what is wrong with it. */
  readonly name: string
  /** Whose histories are to show it. Default: those of the operator. */
  readonly farSide?: FarSide
  /** Further texts, where one alone is caught by a second guard. */
  readonly also?: readonly PlantedText[]
  /** What declares in the histories. Default: files. */
  readonly source?: Source
  /** What a history must have in its plan to show it. Others are counted, and not lived through. */
  readonly needs?: readonly RegExp[]
  /** Why the simulator cannot find it. */
  readonly notFound?: string
}

/** All texts that plant a fault. */
export function textsOf({ file, text, replacement, also = [] }: PlantedFault): readonly PlantedText[] {
  return [{ file, text, replacement }, ...also]
}

/** By what they endanger. */
export const faultGroups: Readonly<Record<string, readonly PlantedFault[]>> = {
  'Removals that nobody saw': removals,
  'Time, schedules and retention': times,
  'Names, second lives and losses': lives,
  'Effects, claims and fences': effects,
  'Queues, watches and pace': loops,
  'Objects of Kubernetes': objects,
  'The server': serverFaults,
}

export const plantedFaults: readonly PlantedFault[] = Object.values(faultGroups).flat()
