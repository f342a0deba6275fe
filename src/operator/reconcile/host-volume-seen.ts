import type { Absence } from '../desired/absence.ts'
import type { HostVolumeObservation, PlannedHostVolume } from '../plan/host-volume-plan.ts'
import type { HostVolumeRecord } from '../plan/record.ts'
import type { Step } from './kind.ts'

/** What a pass over a host volume read, and which plan applies. */
export type HostVolumeSeen =
  | { readonly by: 'declared' | 'ending'; readonly observation: HostVolumeObservation }
  | { readonly by: 'held'; readonly absence: Absence | undefined }

export type HostVolumeStep = Step<HostVolumeRecord, HostVolumeSeen, PlannedHostVolume>
