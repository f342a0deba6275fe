import { OperationError } from '../../lib/errors.ts'
import type { Plugin } from '../../wire/plugin.ts'
import type { ExternalVolume, Volume } from '../../wire/volume.ts'
import type { Absence } from '../desired/absence.ts'
import type { DetachPlan } from '../plan/detach-plan.ts'
import type { HiddenHashes, VolumeRecord } from '../plan/record.ts'
import type { RestoreObservation } from '../plan/restore-plan.ts'
import type { VolumeEndObservation } from '../plan/volume-end-plan.ts'
import type { SourceObservation, VolumeObservation } from '../plan/volume-plan.ts'
import type { Step, StepInput } from './kind.ts'

/** What a pass over a volume found: nothing of it changes while the pass lasts. */
export interface VolumeSeen {
  /** By what the plan decides: it is declared, it is ending, or it stays as it is for now. */
  readonly by:
    | { readonly type: 'declared'; readonly observation: VolumeObservation }
    | { readonly type: 'ending'; readonly observation: VolumeEndObservation }
    | { readonly type: 'held'; readonly absence: Absence | undefined }
  readonly volume: Volume | undefined
  readonly plugin: Plugin | undefined
  /** As its plugin lists it, where the list was asked for. */
  readonly listed: ExternalVolume | undefined
  readonly source: SourceObservation
  readonly secretValues: Readonly<Record<string, string>>
  readonly hashes: HiddenHashes
  readonly updateHash: string | undefined
  /** Keyed hash of what is declared of the volume itself. */
  readonly specHash: string | undefined
  /** An order to restore that is not begun yet. */
  readonly restoreOrder?: RestoreObservation['ordered']
  /** What is to be detached, where the claims leave something to decide. */
  readonly detach: DetachPlan
  /** Nodes that drain and where a claim of the volume is; looked at where it is to grow. */
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

/** Secrets for a request: the field is left out where the declaration says nothing of them. */
export function secretsField({ record, seen }: VolumeStepInput): {
  Secrets?: Record<string, string>
} {
  return record.declaration.spec.secrets === undefined ? {} : { Secrets: { ...seen.secretValues } }
}

/** The volume as Nomad addresses it. */
export function identityOf({ declaration }: VolumeRecord): { namespace: string; volumeID: string } {
  return { namespace: declaration.spec.namespace, volumeID: declaration.spec.volumeID }
}

/** The recorded external ID, which every step after the create has. */
export function recordedExternalID(record: VolumeRecord): string {
  const externalID = record.externalID ?? record.declaration.spec.externalID
  if (externalID !== undefined) return externalID
  throw new OperationError(`${record.key} has no external ID recorded`, {
    kind: 'permanent',
    reason: 'NoExternalID',
  })
}
