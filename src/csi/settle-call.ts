import { status } from '@grpc/grpc-js'
import { type Clock, delay } from '../lib/clock.ts'
import type { PluginClient } from './plugin-client.ts'
import { PluginError } from './plugin-error.ts'

export interface SettleOptions {
  readonly clock: Clock
  /** No further attempt once this has aborted; the last error is thrown. */
  readonly signal: AbortSignal
  /** Doubles from attempt to attempt. Default 1 s. */
  readonly firstDelayMs?: number
  /** Default 30 s. */
  readonly longestDelayMs?: number
}

/**
 * Repeats the very same call while its outcome is unknown. Every CSI call is idempotent by name or ID, so
 * the replay finds what an earlier attempt did (CSI 1.12, "Idempotency" under "Timeouts").
 */
export async function settleCall<Answer>(
  call: () => Promise<Answer>,
  { clock, signal, firstDelayMs = 1_000, longestDelayMs = 30_000 }: SettleOptions,
): Promise<Answer> {
  for (let delayMs = firstDelayMs; ; delayMs = Math.min(delayMs * 2, longestDelayMs)) {
    try {
      return await call()
    } catch (error) {
      const isUnknown = error instanceof PluginError && error.errorClass === 'may-be-running'
      if (!isUnknown || signal.aborted) throw error
      await delay(clock, delayMs, signal)
      if (signal.aborted) throw error
    }
  }
}

/**
 * Whether the plugin has a volume, by ControllerGetVolume, or by ListVolumes where it has not that.
 * @throws PluginError, of class `unsupported` where the plugin can do neither
 */
export async function hasVolume(
  client: PluginClient,
  volumeId: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const options = signal === undefined ? {} : { signal }
  try {
    await client.controllerGetVolume({ volumeId }, options)
    return true
  } catch (error) {
    if (!(error instanceof PluginError)) throw error
    if (error.code === status.NOT_FOUND) return false
    if (error.errorClass !== 'unsupported') throw error
  }
  const volumes = await client.listAllVolumes({}, options)
  return volumes.some(({ volume }) => volume?.volumeId === volumeId)
}
