import { OperationError, toOperationError } from '../../lib/errors.ts'
import type { SnapshotDeclaration, VolumeDeclaration } from '../declare/declaration.ts'
import { annotations } from '../desired/object-ends.ts'
import type { GatherContext } from './context.ts'

/**
 * The secrets that an end needs: those of a delete. A missing one must not keep its object for ever, so the
 * error names the way out.
 */
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
    throw new OperationError(
      `${message}. Its delete waits for that; to let the object go and leave everything as it is, annotate it ${annotations.release}=retain`,
      { kind, reason, cause: error, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
    )
  }
}
