import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import { take, wait } from './decision.ts'
import { type HostVolumeObservation, type PlannedHostVolume, planSentCreate } from './host-volume-plan.ts'
import { mayStillRun, nextOutcomeCheckMs } from './intent.ts'
import type { Now } from './now.ts'
import type { HostVolumeRecord } from './record.ts'

const pollMs = 15_000

/**
 * Decides for a host volume that ends, by its last deletionPolicy. Nomad cannot forget one without deleting it, and calls
 * the plugin before it looks at claims. So Mooring looks first for every allocation that may use it. Pure.
 */
export function planHostVolumeEnd(
  record: HostVolumeRecord,
  observation: HostVolumeObservation,
  now: Now,
): PlannedHostVolume {
  const { declaration, externalID, intent } = record
  const { deletionPolicy, suspend, name } = declaration.spec
  if (externalID === undefined) {
    // Under every policy, the outcome of a sent create comes first. Otherwise its volume could be forgotten.
    const sent = planSentCreate(record, observation, now)
    if (sent !== undefined) return sent
    return intent === undefined
      ? take('release', 'NeverCreated', 'no longer declared, and nothing was created for it')
      : take(
          'release',
          'OutcomeUnknown',
          `no longer declared. The answer to its create was lost, and Nomad lists no volume "${name}" on node ${intent.request.NodeID}; that node may still have a folder of it. ${advise(reasons.OutcomeUnknown.person.look())}`,
        )
  }
  const keeps = suspend || deletionPolicy === 'Retain'
  if (keeps && record.end !== undefined) {
    return take(
      'release',
      'OutcomeUnknown',
      `released after its delete was sent, so host volume ${externalID} may be deleted. ${advise(reasons.OutcomeUnknown.person.look())}`,
    )
  }
  if (suspend)
    return take('release', 'Retained', 'no longer declared; it was suspended, so the volume stays as it is')
  if (deletionPolicy === 'Retain')
    return take(
      'release',
      'Retained',
      'no longer declared; the volume stays in Nomad (deletionPolicy Retain)',
    )
  if (intent !== undefined && mayStillRun(intent, observation.callsEndedBeforeMs, now)) {
    return wait(
      'OutcomeUnknown',
      'the end waits for an expand that may still be running',
      nextOutcomeCheckMs(intent, now),
    )
  }
  const { volume, users } = observation
  if (volume === undefined) {
    return take('release', 'Deleted', `no longer declared, and Nomad no longer has host volume ${externalID}`)
  }
  if (users.length > 0)
    return wait('InUse', `in use by allocations ${users.join(', ')}; the end waits for them`, pollMs)
  if (volume.State === 'unavailable') {
    return wait(
      'HostVolumeUnavailable',
      `the end waits for node ${volume.NodeID}, which has to delete host volume ${volume.ID}. ${advise(reasons.HostVolumeUnavailable.person.bringBack(), reasons.HostVolumeUnavailable.person.force({ namespace: volume.Namespace, externalID: volume.ID }))}`,
      pollMs,
    )
  }
  return take('delete-host-volume', 'Deleting', `deleting host volume ${volume.ID} on node ${volume.NodeID}`)
}
