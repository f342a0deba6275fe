import { chooseName, snapshotKey, tombstoneID } from '../../plan/identity.ts'
import { beginIntent } from '../begin-intent.ts'
import { intentLeft } from '../intent-after-failure.ts'
import { recordedExternalID, type VolumeStep } from '../volume-seen.ts'

/**
 * Takes the snapshot before a delete, of the tombstone, which nobody uses. Its name is of the external
 * volume, so that repeating it is the same snapshot; it stays, and is listed with what was released.
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
        id: `${volumeID}-final`,
        incarnation: 0,
      }),
    }
    return { ...record, finalSnapshot: { intent: beginIntent(context, request) } }
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
      await context.inventory.release({
        key: snapshotKey(namespace, `${volumeID}:final`),
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
  afterFailure({ context, record, before }, error) {
    const { finalSnapshot, ...rest } = record
    const left =
      finalSnapshot &&
      intentLeft(finalSnapshot.intent, error, {
        isRepeat: before.finalSnapshot !== undefined,
        nowMs: context.clock.now(),
      })
    return { record: left === undefined ? rest : { ...rest, finalSnapshot: { intent: left } } }
  },
}
