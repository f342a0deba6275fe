import type { CopyView } from './copy-view.ts'
import { failedPrecondition, invalidArgument } from './driver-error.ts'
import type { VolumeRecord } from './records.ts'

/**
 * A copy of a directory takes time, so while somebody writes into it the copy is of no single moment.
 * Such a copy is refused unless the parameter `live: allow` says that it will do.
 */
export function isLive(parameters: Readonly<Record<string, string>>): boolean {
  const live = parameters.live ?? 'refuse'
  if (live !== 'allow' && live !== 'refuse') {
    throw invalidArgument(`parameter live is allow or refuse, not ${JSON.stringify(live)}`)
  }
  return live === 'allow'
}

/** Whether a copy of a volume may be live: as the call says, otherwise as the volume's mutable parameter does. */
export function isLiveCopy(parameters: Readonly<Record<string, string>>, source: VolumeRecord): boolean {
  return isLive({ ...source.mutableParameters, ...parameters })
}

/**
 * @param live whether a copy will do that is of no single moment
 * @throws DriverError FAILED_PRECONDITION while a workload may write to the volume, unless the copy may be live
 * and can be kept inside the volume
 */
export function refuseIfWritten(
  { copyView }: { readonly copyView: CopyView },
  volume: VolumeRecord,
  what: 'a snapshot' | 'a clone',
  live: boolean,
): void {
  const writable = volume.publications.find((publication) => !publication.readonly)
  if (writable === undefined || (live && copyView.type === 'confined')) return
  const published = `volume ${volume.id} is published writable at ${writable.path}`
  if (live && copyView.type === 'absent') {
    throw failedPrecondition(
      `${published}, and this process cannot keep ${what} from following links that a workload puts there meanwhile (${copyView.reason}). ` +
        'Unpublish it first, or run the driver as root or where user namespaces are allowed',
    )
  }
  throw failedPrecondition(
    `${published}, so ${what} would not be of one moment. ` +
      'Unpublish it first, or give the parameter live: allow if files that change meanwhile may be torn',
  )
}
