import { OperationError, toOperationError } from '../../lib/errors.ts'
import { keepInstead } from '../../lib/reasons/declared.ts'
import type { SnapshotDeclaration, VolumeDeclaration } from '../declare/declaration.ts'
import type { GatherContext } from './context.ts'

/** Reads the secrets that a delete needs. A missing one would block the object for ever, so the error names a way out. */
export async function secretsForEnd(
  { secrets }: GatherContext,
  { spec, place }: VolumeDeclaration | SnapshotDeclaration,
): Promise<Readonly<Record<string, string>>> {
  if (spec.deletionPolicy !== 'Delete' || spec.suspend) return {}
  try {
    return await secrets.resolve(spec.secrets ?? {}, spec.namespace, place.object)
  } catch (error) {
    const { kind, reason, message, retryAfterMs } = toOperationError(error)
    if (place.object === undefined || reason !== 'SecretNotFound') throw error
    throw new OperationError(`${message}. The delete waits for it. ${keepInstead}`, {
      kind,
      reason,
      cause: error,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    })
  }
}
