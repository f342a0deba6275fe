import { OperationError } from '../../lib/errors.ts'
import type { Plugin } from '../../wire/plugin.ts'
import type { ExternalVolume, Volume } from '../../wire/volume.ts'
import type { DetachPlan } from '../plan/detach-plan.ts'
import type { HiddenHashes, VolumeRecord } from '../plan/record.ts'
import type { RestoreObservation } from '../plan/restore-plan.ts'
import type { SourceObservation } from '../plan/volume-plan.ts'
import type { ReconcileContext } from './context.ts'

/** What the steps of a volume work with: the pass's findings beside the context. */
export interface VolumeStepInput {
  readonly context: ReconcileContext
  readonly record: VolumeRecord
  readonly volume: Volume | undefined
  readonly source: SourceObservation
  readonly secretValues: Readonly<Record<string, string>>
  readonly hashes: HiddenHashes
  readonly updateHash: string | undefined
  /** An order to restore that is not begun yet. */
  readonly restoreOrder?: RestoreObservation['ordered']
  /** What is to be detached, where the plan says so. */
  readonly detach: DetachPlan
  /** As the pass found them, for what hangs on where the volume is attached. */
  readonly plugin: Plugin | undefined
  readonly listed: ExternalVolume | undefined
  readonly signal: AbortSignal
}

/** Secrets for a request: the field is left out where the declaration says nothing of them. */
export function secretsField({ record, secretValues }: VolumeStepInput): {
  Secrets?: Record<string, string>
} {
  return record.declaration.spec.secrets === undefined ? {} : { Secrets: { ...secretValues } }
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
