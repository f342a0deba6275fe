import { OperationError } from '../../../lib/errors.ts'
import { chooseName, snapshotKey, tombstoneID } from '../../plan/identity.ts'
import { isKnownSnapshot } from '../../plan/snapshot-facts.ts'
import { beginIntent } from '../begin-intent.ts'
import { intentLeft } from '../intent-after-failure.ts'
import { recordedExternalID, type VolumeStep } from '../volume-seen.ts'

/**
 * Takes the snapshot before a delete, from the tombstone, which nothing uses. Its name contains the time and is stored in
 * the intent: a repeat gets the same snapshot, and no other volume of this key has one of that name. The snapshot stays
 * and is listed as `FinalSnapshot`.
 */
export const takeFinalSnapshot: VolumeStep = {
  intend({ context, record }) {
    const { pluginID, volumeID } = record.declaration.spec
    const externalID = recordedExternalID(record)
    const request = record.finalSnapshot?.intent.request ?? {
      SourceVolumeID: tombstoneID(record.key, externalID),
      PluginID: pluginID,
      Name: chooseName({
        region: context.region,
        namespace: externalID,
        id: `${volumeID}-final-${context.clock.now()}`,
        incarnation: 0,
      }),
    }
    return {
      ...record,
      finalSnapshot: { intent: beginIntent(context, request, record.finalSnapshot?.intent) },
    }
  },
  async act({ context, record, seen: { secretValues }, signal }) {
    const { namespace, pluginID, volumeID } = record.declaration.spec
    const { intent } = record.finalSnapshot ?? {}
    if (intent === undefined) throw new Error(`${record.key}: no final snapshot to take`)
    try {
      const snapshot = await context.api.createSnapshot(
        namespace,
        { ...intent.request, Secrets: { ...secretValues } },
        signal,
      )
      const key = snapshotKey(namespace, `${volumeID}:final`)
      // No other end has this name, whatever the clocks say. A repeat may get what the first call made and recorded.
      const isRepeat = intent.firstMs !== undefined
      if (!isRepeat && isKnownSnapshot(context.inventory, { pluginID, externalID: snapshot.ID, key })) {
        throw new OperationError(
          `plugin "${pluginID}" answered with snapshot "${snapshot.ID}", which was there before the end of this volume: the delete waits for a final snapshot of its own, which is asked for again under another name`,
          { kind: 'permanent', reason: 'FinalSnapshotTooOld' },
        )
      }
      await context.inventory.release({
        key,
        pluginID,
        externalID: snapshot.ID,
        reason: 'FinalSnapshot',
        atMs: context.clock.now(),
      })
      return { ...record, finalSnapshot: { intent, snapshotID: snapshot.ID } }
    } finally {
      context.observer.invalidate({ pluginID })
    }
  },
  afterFailure({ record, before }, error) {
    const { finalSnapshot, ...rest } = record
    const left =
      finalSnapshot &&
      intentLeft(finalSnapshot.intent, error, {
        isRepeat: before.finalSnapshot !== undefined,
      })
    return { record: left === undefined ? rest : { ...rest, finalSnapshot: { intent: left } } }
  },
}
