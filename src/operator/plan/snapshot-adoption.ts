import { provesAbsence } from '../../lib/partial-map.ts'
import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { SnapshotDeclaration } from '../declare/declaration.ts'
import { type Decision, stall, take, wait } from './decision.ts'
import { planPluginGate } from './plugin-gate.ts'
import type { SnapshotRecord } from './record.ts'
import type { SnapshotObservation } from './snapshot-observation.ts'

const waitPollMs = 15_000

/**
 * Decides whether the snapshot that a declaration names is adopted. Only the plugin's list proves that it is there and
 * of which volume it is. Without a list nothing is adopted, because a later end could delete somebody else's snapshot.
 */
export function planAdoption(
  snapshotID: string,
  { declaration: { spec } }: SnapshotRecord,
  { volume, plugin, snapshots, adoption }: SnapshotObservation,
): Decision {
  if (volume.state !== 'ready') return { verdict: volume, againAfterMs: waitPollMs }
  if (adoption === undefined)
    throw new Error(`snapshot "${snapshotID}" is to be adopted, and was not looked at`)
  const { foreignID, takenBy, unsettled, volumeIDs } = adoption
  if (foreignID !== undefined) return stall('ExternalIDNotAllowed', foreignID)
  if (takenBy !== undefined) {
    return stall(
      'ExternalIDTaken',
      `snapshot "${snapshotID}" of plugin "${volume.pluginID}" is that of ${takenBy} already. ${advise(reasons.ExternalIDTaken.person.changeOne())}`,
    )
  }
  const gate = planPluginGate(volume.pluginID, plugin, 'SupportsListSnapshots')
  if (gate !== undefined) return gate
  const found = snapshots === 'unknown' ? undefined : snapshots.get(snapshotID)
  if (snapshots === 'unknown' || (found === undefined && !provesAbsence(snapshots, snapshotID))) {
    return wait(
      'ListIncomplete',
      `waiting for plugin "${volume.pluginID}" to list snapshot "${snapshotID}"`,
      waitPollMs,
    )
  }
  if (found === undefined) {
    return {
      ...stall(
        'SnapshotNotAdoptable',
        `plugin "${volume.pluginID}" lists no snapshot "${snapshotID}", so there is nothing to adopt. ${advise(reasons.SnapshotNotAdoptable.person.correct())}`,
      ),
      againAfterMs: waitPollMs,
    }
  }
  if (!volumeIDs.includes(found.ExternalSourceVolumeID)) {
    return stall(
      'SnapshotNotAdoptable',
      `snapshot "${snapshotID}" is of external volume "${found.ExternalSourceVolumeID}", and volume "${spec.volume}" is "${volume.externalID}". ${advise(reasons.SnapshotNotAdoptable.person.correct())}`,
    )
  }
  if (unsettled.length > 0) {
    return wait(
      'OutcomeUnknown',
      `the create of ${unsettled.join(', ')} has no known outcome yet, so snapshot "${snapshotID}" may be what it made`,
      waitPollMs,
    )
  }
  return take('adopt-snapshot', 'Adopting', `adopting snapshot "${snapshotID}"; nothing is taken`)
}

/** Refuses a declaration that names another snapshot than the recorded one. */
export function refuseOther(spec: SnapshotDeclaration['spec'], snapshotID: string): Decision | undefined {
  if (spec.snapshotID === undefined || spec.snapshotID === snapshotID) return undefined
  return stall(
    'ImmutableFieldChanged',
    `spec.snapshotID is declared "${spec.snapshotID}" and is "${snapshotID}". ${advise(reasons.ImmutableFieldChanged.person.undoSnapshot())}`,
  )
}
