import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { Volume } from '../../wire/volume.ts'
import type { VolumeDeclaration } from '../declare/declaration.ts'
import { formatBytes } from '../declare/quantities.ts'
import { claimsOf } from './claims.ts'
import { type Decision, ready, stall, take, wait } from './decision.ts'
import { planPluginGate } from './plugin-gate.ts'
import type { VolumeRecord } from './record.ts'
import { refuseShared } from './shared-external.ts'
import type { FieldDifference, VolumeDifferences } from './volume-difference.ts'
import type { VolumeObservation } from './volume-observation.ts'

const claimPollMs = 15_000

/** Decides for a volume that Nomad has, and that may differ from its declaration; undefined if it does not. */
export function planDifferences(
  { pluginID, driftPolicy }: VolumeDeclaration['spec'],
  record: VolumeRecord,
  observation: VolumeObservation,
  volume: Volume,
  differences: VolumeDifferences,
): Decision | undefined {
  const { immutable, shrink, expansion, updatable } = differences
  if (immutable.length > 0) return stallImmutable(immutable)
  if (shrink !== undefined) return stallShrink(shrink)
  if (expansion === undefined && updatable.length === 0) return undefined
  const what = `Nomad differs from the declaration in ${fieldNames(updatable, expansion)}`
  return (
    planDrift(driftPolicy, observation, what) ??
    planUpdate(record, observation, volume, pluginID, differences)
  )
}

/** Decides for drift that the policy does not correct; undefined if the difference is to be corrected. */
export function planDrift(
  policy: VolumeDeclaration['spec']['driftPolicy'],
  { isSpecUnchanged }: VolumeObservation,
  what: string,
): Decision | undefined {
  if (!isSpecUnchanged || policy === 'Correct') return undefined
  return policy === 'Ignore'
    ? ready('DriftIgnored', `${what}; spec.driftPolicy is Ignore, so nothing changes`)
    : stall(
        'Drifted',
        `${what}. spec.driftPolicy is Report, so nothing changes. ${advise(reasons.Drifted.person.correct())}`,
      )
}

function fieldNames(
  updatable: readonly FieldDifference[],
  expansion: VolumeDifferences['expansion'],
): string {
  return [
    ...updatable.map(({ field }) => field),
    ...(expansion === undefined ? [] : ['spec.capacity.min']),
  ].join(', ')
}

function planUpdate(
  record: VolumeRecord,
  observation: VolumeObservation,
  volume: Volume,
  pluginID: string,
  { expansion, updatable, unreadable }: VolumeDifferences,
): Decision {
  const fields = fieldNames(updatable, expansion)
  if (unreadable.length > 0) {
    return stall(
      'UnreadableFields',
      `an update of ${fields} would erase ${unreadable.join(' and ')}, which Nomad never shows, so it is not sent. ` +
        advise(reasons.UnreadableFields.person.declare()),
    )
  }
  if (record.lastUpdateHash !== undefined && record.lastUpdateHash === observation.updateHash) {
    return stall(
      'UpdateWithoutEffect',
      `Nomad accepted an update of ${fields}, but it had no effect. ${advise(reasons.UpdateWithoutEffect.person.look())}`,
    )
  }
  const shared =
    expansion &&
    refuseShared(
      volume.ExternalID,
      observation.sharers,
      'growing the volume is refused',
      advise(reasons.SharedExternalID.person.growOutside()),
    )
  if (shared !== undefined) return { verdict: shared }
  const gate = planPluginGate(
    pluginID,
    observation.plugin,
    expansion === undefined ? undefined : 'SupportsExpand',
  )
  if (gate !== undefined) return gate
  const claims = claimsOf(volume).length
  if (claims > 0 && updatable.some(({ field }) => field.startsWith('spec.mountOptions'))) {
    return wait(
      'InUse',
      `mount options cannot change while the volume is in use; waiting for its ${claims} claims to end`,
      claimPollMs,
    )
  }
  if (expansion === undefined) {
    return { ...take('update-volume', 'Updating', `changing ${fields}`), differences: updatable }
  }
  const { fromBytes, toBytes } = expansion
  const growth = { field: 'spec.capacity.min', declared: `${toBytes}`, actual: `${fromBytes}` }
  return {
    ...take(
      'expand-volume',
      'Expanding',
      `growing from ${formatBytes(fromBytes)} to at least ${formatBytes(toBytes)}`,
    ),
    differences: [...updatable, growth],
  }
}

export function stallImmutable(differences: readonly FieldDifference[]): Decision {
  const list = differences
    .map(({ field, declared, actual }) => `${field} is declared as ${declared} but is ${actual}`)
    .join('; ')
  return {
    ...stall(
      'ImmutableFieldChanged',
      `${list}. A volume cannot change this, and Mooring never replaces a volume by itself. ${advise(reasons.ImmutableFieldChanged.person.undo())}`,
    ),
    differences,
  }
}

function stallShrink({ maxBytes, actualBytes }: NonNullable<VolumeDifferences['shrink']>): Decision {
  const { raise, declareNew } = reasons.CannotShrink.person
  const [max, actual] = [formatBytes(maxBytes), formatBytes(actualBytes)]
  return {
    ...stall(
      'CannotShrink',
      `spec.capacity.max is ${max}, but the volume has ${actual}, and no volume can shrink. ${advise(raise({ size: actual }), declareNew())}`,
    ),
    differences: [{ field: 'spec.capacity.max', declared: `${maxBytes}`, actual: `${actualBytes}` }],
  }
}
