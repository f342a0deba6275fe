import type { ControllerModifyVolumeRequest__Output } from '../csi/generated/csi/v1/ControllerModifyVolumeRequest.ts'
import type { DriverContext } from './driver-context.ts'
import { invalidArgument } from './driver-error.ts'
import { isLive } from './live-copy.ts'
import { getVolume } from './volume-lookup.ts'

/** The parameters of a volume that may change while it is there; each check throws for a value that it has not. */
const mutable: Readonly<Record<string, (value: string) => void>> = {
  live: (value) => void isLive({ live: value }),
}

/** @throws DriverError INVALID_ARGUMENT for a name or a value that there is not */
export function checkMutableParameters(parameters: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(parameters)) {
    const check = Object.hasOwn(mutable, name) ? mutable[name] : undefined
    if (check === undefined) {
      throw invalidArgument(
        `mutable_parameters: there is no ${JSON.stringify(name)}; there are ${Object.keys(mutable).join(', ')}`,
      )
    }
    check(value)
  }
}

/** ControllerModifyVolume: sets what is named, all of it or nothing, and leaves the rest. */
export async function modifyVolume(
  { pool, locks, log }: DriverContext,
  { volumeId: id, mutableParameters }: ControllerModifyVolumeRequest__Output,
): Promise<Record<string, never>> {
  if (id === '') throw invalidArgument('volume_id is required')
  getVolume(pool, id)
  checkMutableParameters(mutableParameters)
  const release = locks.acquire(`volume:${id}`, 'exclusive', `an operation is pending for volume ${id}`)
  try {
    const volume = getVolume(pool, id)
    const present = volume.mutableParameters ?? {}
    const names = Object.keys(mutableParameters).filter((name) => present[name] !== mutableParameters[name])
    if (names.length === 0) return {}
    await pool.volumes.save({ ...volume, mutableParameters: { ...present, ...mutableParameters } })
    log.info({ volume: id, changed: names }, 'volume modified')
    return {}
  } finally {
    release()
  }
}
