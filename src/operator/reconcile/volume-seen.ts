import type { Plugin } from '../../wire/plugin.ts'
import type { ExternalVolume, Volume } from '../../wire/volume.ts'
import type { Absence } from '../desired/absence.ts'
import type { DetachPlan } from '../plan/detach-plan.ts'
import type { HiddenHashes, VolumeRecord } from '../plan/record.ts'
import type { RestoreObservation } from '../plan/restore-plan.ts'
import type { VolumeEndObservation } from '../plan/volume-end-plan.ts'
import type { SourceObservation, VolumeObservation } from '../plan/volume-observation.ts'
import type { Step, StepInput } from './kind.ts'

/** What a pass over a volume read. */
export interface VolumeSeen {
  /** Which plan applies: declared, ending, or staying as it is. */
  readonly by:
    | { readonly type: 'declared'; readonly observation: VolumeObservation }
    | { readonly type: 'ending'; readonly observation: VolumeEndObservation }
    | { readonly type: 'held'; readonly absence: Absence | undefined }
  readonly volume: Volume | undefined
  readonly plugin: Plugin | undefined
  /** As its plugin lists it, if the list was read. */
  readonly listed: ExternalVolume | undefined
  readonly source: SourceObservation
  readonly secretValues: Readonly<Record<string, string>>
  readonly hashes: HiddenHashes
  readonly updateHash: string | undefined
  /** Keyed hash of the declared fields that describe the volume. */
  readonly specHash: string | undefined
  /** An order for a restore that has not begun. */
  readonly restoreOrder?: RestoreObservation['ordered']
  /** Whether a node is to be detached. */
  readonly detach: DetachPlan
  /** Draining nodes with a claim. Only read if the volume must grow. */
  readonly drainingNodes: readonly string[]
}

export const nothingSeen: VolumeSeen = {
  by: { type: 'held', absence: undefined },
  volume: undefined,
  plugin: undefined,
  listed: undefined,
  source: { state: 'ready' },
  secretValues: {},
  hashes: {},
  updateHash: undefined,
  specHash: undefined,
  detach: { type: 'none' },
  drainingNodes: [],
}

export type VolumeStep = Step<VolumeRecord, VolumeSeen>
export type VolumeStepInput = StepInput<VolumeRecord, VolumeSeen>

/** The secrets of a request. The field is left out if the declaration has no spec.secrets. */
export function secretsField({ record, seen }: VolumeStepInput): {
  Secrets?: Record<string, string>
} {
  return record.declaration.spec.secrets === undefined ? {} : { Secrets: { ...seen.secretValues } }
}

/** The namespace and ID of the volume in Nomad. */
export function identityOf({ declaration }: VolumeRecord): { namespace: string; volumeID: string } {
  return { namespace: declaration.spec.namespace, volumeID: declaration.spec.volumeID }
}

/** The external ID. Every step after the create has one. */
export function recordedExternalID(record: VolumeRecord): string {
  const externalID = record.externalID ?? record.declaration.spec.externalID
  if (externalID !== undefined) return externalID
  throw new Error(`${record.key} has no external ID recorded`)
}
