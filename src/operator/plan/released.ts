import type { VolumeDeclaration } from '../declare/declaration.ts'
import type { Key } from './identity.ts'
import type { VolumeContext, VolumeRecord } from './record.ts'

/**
 * An external volume or snapshot that Mooring no longer manages and that may still exist. Without an external ID, it only
 * records which names the key has used.
 */
export interface Released {
  readonly key: Key
  readonly pluginID: string
  readonly externalID: string
  /** Such as `Retained`, `Deregistered`, `Replaced` or `Vanished`; `Deleted` if it was managed again and then deleted. */
  readonly reason: string
  /** A volume's name at the plugin. */
  readonly csiName?: string
  /** A volume's context: without it, the plugin may not recognise the volume. */
  readonly context?: VolumeContext
  readonly atMs: number
  /** How many names were used by then. A new declaration of the key must not reuse them. */
  readonly incarnation?: number
}

/** The incarnation of a new record of the key: higher than all before it. */
export function firstIncarnation(released: readonly Released[], key: Key): number {
  const before = released.flatMap((each) => (each.key === key ? [each.incarnation ?? 0] : []))
  return before.length === 0 ? 0 : Math.max(...before) + 1
}

/**
 * The external volume that the key last released. It is used again when the key is declared again. undefined if there is
 * none, or it was deleted.
 */
export function findReleased(
  declaration: VolumeDeclaration,
  key: Key,
  released: readonly Released[],
): Released | undefined {
  if (declaration.spec.externalID !== undefined) return undefined
  const [latest] = released
    .filter((each) => each.key === key && each.pluginID === declaration.spec.pluginID)
    .filter(({ reason }) => reason === 'Retained' || reason === 'Deregistered')
    .sort((one, other) => other.atMs - one.atMs)
  return latest
}

/** The next incarnation. It also exceeds the number in the recorded name, which may come from an adopted volume. */
export function nextIncarnation({
  incarnation,
  csiName,
}: Pick<VolumeRecord, 'incarnation' | 'csiName'>): number {
  const [, ofName = '0'] = /-r(\d{1,9})$/.exec(csiName) ?? []
  return Math.max(incarnation, Number(ofName)) + 1
}
