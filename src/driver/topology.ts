import type { TopologyRequirement__Output } from '../csi/generated/csi/v1/TopologyRequirement.ts'
import { resourceExhausted } from './driver-error.ts'

type Segments = Readonly<Record<string, string>>

/** Whether what is reachable at `here` is reachable from a place with these segments. */
export function isWithin(here: Segments, wanted: Segments): boolean {
  return Object.entries(wanted).every(([key, value]) => here[key] === value)
}

/**
 * A volume has to be reachable from at least one of the requisite places. Where there is only this
 * machine, it has to be one of them.
 * @throws DriverError RESOURCE_EXHAUSTED, as CSI 1.12 has it for an accessible_topology that cannot be had
 */
export function checkTopology(here: Segments, requirement: TopologyRequirement__Output | null): void {
  const requisite = requirement?.requisite ?? []
  if (requisite.length === 0 || requisite.some(({ segments }) => isWithin(here, segments))) return
  throw resourceExhausted(
    `accessibility_requirements: this machine is at ${JSON.stringify(here)}, which is none of the requisite places`,
  )
}
