import { expect } from 'vitest'
import type { NomadObserver } from '../../../src/nomad/observer.ts'
import { eventually } from '../../helpers/eventually.ts'
import {
  type ContractRow,
  created,
  definition,
  endOf,
  found,
  mebibyte,
  type NomadUnderTest,
  patienceMs,
} from './under-test.ts'

const snapshotOf = (id: string, fields: object = {}) => ({
  SourceVolumeID: id,
  Name: `snapshot-of-${id}`,
  ...fields,
})

async function taken(nomad: NomadUnderTest, id: string) {
  const { ExternalID } = await created(nomad, id)
  const snapshot = await nomad.api.createSnapshot('default', snapshotOf(id))
  return { snapshot, ExternalID }
}

export const snapshotRows: readonly ContractRow[] = [
  {
    title: 'a snapshot has an ID, the external volume that it is of and a time, and the list shows it',
    async run(nomad, id) {
      const { snapshot, ExternalID } = await taken(nomad, id)
      expect(snapshot).toMatchObject({ ID: expect.stringMatching(/./), ExternalSourceVolumeID: ExternalID })
      expect(Number(snapshot.CreateTime)).toBeGreaterThan(0)
      const listed = (await nomad.reads.snapshots()).get(snapshot.ID)
      expect(listed).toMatchObject({ ExternalSourceVolumeID: ExternalID, IsReady: true })
      // No list has names, so an answer that was lost cannot be found by one.
      expect(listed?.Name ?? '').toBe('')
    },
  },
  {
    title: 'a snapshot under a name that the volume has a snapshot of is that snapshot',
    async run(nomad, id) {
      const { snapshot } = await taken(nomad, id)
      const before = (await nomad.reads.snapshots()).size
      expect((await nomad.api.createSnapshot('default', snapshotOf(id))).ID).toBe(snapshot.ID)
      expect((await nomad.reads.snapshots()).size).toBe(before)
    },
  },
  {
    title: 'a snapshot under a name that another volume has a snapshot of is refused',
    async run(nomad, id) {
      await taken(nomad, id)
      await created(nomad, `${id}-other`)
      const request = snapshotOf(`${id}-other`, { Name: `snapshot-of-${id}` })
      expect(await endOf(nomad.api.createSnapshot('default', request))).toBe('permanent NameConflict')
    },
  },
  {
    title: 'a snapshot of a volume that is not there is refused',
    async run(nomad, id) {
      expect(await endOf(nomad.api.createSnapshot('default', snapshotOf(id)))).toBe(
        'transient VolumeNotFound',
      )
    },
  },
  {
    title: 'a snapshot that is deleted is in no list, and to delete it again is done already',
    async run(nomad, id) {
      const { snapshot } = await taken(nomad, id)
      await nomad.api.deleteSnapshot(nomad.pluginID, snapshot.ID, {})
      expect((await nomad.reads.snapshots()).has(snapshot.ID)).toBe(false)
      expect(await endOf(nomad.api.deleteSnapshot(nomad.pluginID, snapshot.ID, {}))).toBe('done')
    },
  },
  {
    title: 'a volume that is made from a snapshot is another external volume, and says from which',
    async run(nomad, id) {
      const { snapshot, ExternalID } = await taken(nomad, id)
      const copy = await created(nomad, `${id}-copy`, { SnapshotID: snapshot.ID })
      expect(copy.ExternalID).not.toBe(ExternalID)
      expect(copy.SnapshotID).toBe(snapshot.ID)
    },
  },
]

export const readRows: readonly ContractRow[] = [
  {
    title: 'the list and a read give one ModifyIndex, which a change raises and a read does not',
    async run(nomad, id) {
      const first = await created(nomad, id)
      await created(nomad, `${id}-other`)
      const indexes = async () => {
        const stub = (await nomad.reads.list('default')).find(({ ID }) => ID === id)
        return [BigInt(stub?.ModifyIndex ?? 0), BigInt((await found(nomad, id)).ModifyIndex)]
      }
      expect(await indexes()).toEqual([BigInt(first.ModifyIndex), BigInt(first.ModifyIndex)])
      await nomad.api.createVolume(definition(nomad, id, { RequestedCapacityMin: 2 * mebibyte }))
      const [listed = 0n, read = 0n] = await indexes()
      expect(listed).toBe(read)
      expect(listed).toBeGreaterThan(BigInt(first.ModifyIndex))
    },
  },
  {
    title: 'a list has each volume of its namespace once, and none that was ended',
    async run(nomad, id) {
      for (const suffix of ['a', 'b', 'c']) await created(nomad, `${id}-${suffix}`)
      await nomad.api.deleteVolume('default', `${id}-b`, {})
      const listed = (await nomad.reads.list('default'))
        .map(({ ID }) => ID)
        .filter((each) => each.startsWith(id))
      expect(listed.sort()).toEqual([`${id}-a`, `${id}-c`])
    },
  },
  {
    title: 'a list that waits answers at the next change, and at the end of its time without one',
    needs: ['blocking'],
    async run(nomad, id) {
      const { changeAfter } = nomad.reads
      if (changeAfter === undefined) throw new Error('nothing blocks here')
      const index = await changeAfter(0n, 0)
      expect(await changeAfter(index, 50)).toBe(index)
      const waiting = changeAfter(index, 60_000)
      await created(nomad, id)
      expect(await waiting).toBeGreaterThan(index)
    },
  },
  {
    title: 'a plugin that is not there is none',
    async run({ reads, pluginID }) {
      expect(await reads.plugin('no-such-plugin')).toBeUndefined()
      expect(await reads.plugin(pluginID)).toMatchObject({ ID: pluginID })
    },
  },
  {
    title: 'a secret is in no answer and in no error',
    async run(nomad, id) {
      const secret = 'S3CRET-of-the-contract'
      await created(nomad, id, { Secrets: { key: secret } })
      const shown = [await found(nomad, id), await nomad.reads.list('default')]
      expect(
        JSON.stringify(shown, (_key, value) => (typeof value === 'bigint' ? `${value}` : value)),
      ).not.toContain(secret)
      const refused = definition(nomad, id, { Name: 'other', Secrets: { key: secret } })
      const error = await nomad.api.createVolume(refused).catch((reason: Error) => reason)
      expect(`${(error as Error).message}`).not.toContain(secret)
    },
  },
]

/** Runs `work` with an observer that watches already. */
async function withObserver(nomad: NomadUnderTest, work: (observer: NomadObserver) => Promise<void>) {
  const observer = nomad.observe?.()
  if (observer === undefined) throw new Error('nothing is watched here')
  try {
    await observer.volumeStubs('default')
    await work(observer)
  } finally {
    await observer.close()
  }
}

export const watchRows: readonly ContractRow[] = [
  {
    title: 'whoever watches is told of a volume that comes, changes and goes',
    needs: ['watching'],
    run: (nomad, id) =>
      withObserver(nomad, async (observer) => {
        const told: string[] = []
        observer.onChange((change) => {
          if (change.type === 'volume') told.push(change.volumeID)
        })
        const isTold = (times: number) =>
          eventually(
            () => expect(told.filter((each) => each === id).length).toBeGreaterThanOrEqual(times),
            patienceMs,
          )
        await nomad.api.createVolume(definition(nomad, id))
        await isTold(1)
        await nomad.api.createVolume(definition(nomad, id, { RequestedCapacityMin: 2 * mebibyte }))
        await isTold(2)
        await nomad.api.deleteVolume('default', id, {})
        await isTold(3)
      }),
  },
  {
    title: 'a read after invalidate shows what was answered before, however late the list is',
    needs: ['watching'],
    run: (nomad, id) =>
      withObserver(nomad, async (observer) => {
        const fresh = () => {
          observer.invalidate({ volume: { namespace: 'default', volumeID: id } })
          return observer.volume('default', id)
        }
        expect(await fresh()).toBeUndefined()
        for (let round = 1; round <= 5; round += 1) {
          await nomad.api.createVolume(definition(nomad, id, { RequestedCapacityMin: round * mebibyte }))
          expect(Number((await fresh())?.RequestedCapacityMin)).toBe(round * mebibyte)
        }
        await nomad.api.deleteVolume('default', id, {})
        expect(await fresh()).toBeUndefined()
      }),
  },
]

export const failureRows: readonly ContractRow[] = [
  {
    title: 'a request that does not arrive is known not to have been carried out',
    needs: ['lost answers'],
    async run(nomad, id) {
      nomad.cutNextRequest()
      expect(await endOf(nomad.api.createVolume(definition(nomad, id)))).toBe('transient NomadUnreachable')
      expect(await nomad.reads.volume('default', id)).toBeUndefined()
    },
  },
  {
    title: 'a create whose answer is lost is in doubt, and goes on: soon the volume is there, once',
    needs: ['lost answers'],
    async run(nomad, id) {
      const before = [...(await nomad.reads.externalVolumes()).keys()]
      nomad.loseNextAnswer()
      expect(await endOf(nomad.api.createVolume(definition(nomad, id)))).toBe('ambiguous AnswerLost')
      const volume = await eventually(() => found(nomad, id), patienceMs)
      const after = [...(await nomad.reads.externalVolumes()).keys()]
      expect(after.filter((each) => !before.includes(each))).toEqual([volume.ExternalID])
    },
  },
  {
    title: 'a delete whose answer is lost is in doubt, and goes on: soon nothing is there',
    needs: ['lost answers'],
    async run(nomad, id) {
      const { ExternalID } = await created(nomad, id)
      nomad.loseNextAnswer()
      expect(await endOf(nomad.api.deleteVolume('default', id, {}))).toBe('ambiguous AnswerLost')
      await eventually(
        async () => expect(await nomad.reads.volume('default', id)).toBeUndefined(),
        patienceMs,
      )
      expect((await nomad.reads.externalVolumes()).has(ExternalID)).toBe(false)
    },
  },
  {
    title:
      'while the plugin is away nothing is made or deleted, its lists are refused and not empty, and Nomad’s records are read',
    needs: ['plugin away'],
    async run(nomad, id) {
      const { ExternalID } = await created(nomad, id)
      const bringBack = await nomad.takePluginAway()
      // Nomad forgets a plugin without instances, or what its controller can do, so it says either.
      const away = /^transient (PluginUnavailable|PluginNotFound|Unsupported)$/
      expect(await endOf(nomad.api.createVolume(definition(nomad, `${id}-new`)))).toMatch(away)
      expect(await endOf(nomad.api.deleteVolume('default', id, {}))).toMatch(away)
      expect(await endOf(nomad.api.createSnapshot('default', snapshotOf(id)))).toMatch(away)
      expect(await endOf(nomad.reads.externalVolumes())).toMatch(away)
      expect(await endOf(nomad.reads.snapshots())).toMatch(away)
      expect(await found(nomad, id)).toMatchObject({ ID: id, Schedulable: false })
      expect(await nomad.reads.volume('default', `${id}-new`)).toBeUndefined()
      await bringBack()
      expect((await nomad.reads.externalVolumes()).has(ExternalID)).toBe(true)
    },
  },
]
