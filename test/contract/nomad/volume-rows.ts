import { expect } from 'vitest'
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

const disks = async ({ reads }: NomadUnderTest) => [...(await reads.externalVolumes()).keys()].sort()
const addedTo = (before: readonly string[], after: readonly string[]) =>
  after.filter((id) => !before.includes(id))
const differ = 'permanent ImmutableField'

export const createRows: readonly ContractRow[] = [
  {
    title: 'a create makes one external volume, and Nomad has its ID, its name and what was asked for',
    async run(nomad, id) {
      const before = await disks(nomad)
      const volume = await created(nomad, id)
      expect(volume).toMatchObject({
        ID: id,
        Namespace: 'default',
        Name: `name-of-${id}`,
        PluginID: nomad.pluginID,
        RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
        Schedulable: true,
      })
      expect(Number(volume.Capacity)).toBeGreaterThanOrEqual(mebibyte)
      expect(addedTo(before, await disks(nomad))).toEqual([volume.ExternalID])
    },
  },
  {
    title: 'a create under a name that the plugin has gives the external volume that has it, and makes none',
    async run(nomad, id) {
      const { ExternalID } = await created(nomad, id)
      await nomad.api.deregisterVolume('default', id)
      const before = await disks(nomad)
      expect((await created(nomad, id)).ExternalID).toBe(ExternalID)
      expect(await disks(nomad)).toEqual(before)
    },
  },
  {
    title: 'a create of another volume under that name gives the same external volume, too',
    async run(nomad, id) {
      const { ExternalID, Name } = await created(nomad, id)
      await nomad.api.deregisterVolume('default', id)
      expect((await created(nomad, `${id}-other`, { Name })).ExternalID).toBe(ExternalID)
    },
  },
  {
    title: 'a create of what is there with more capacity expands it, and makes nothing',
    async run(nomad, id) {
      const { ExternalID } = await created(nomad, id)
      const before = await disks(nomad)
      const volume = await created(nomad, id, { RequestedCapacityMin: 3 * mebibyte })
      expect(volume).toMatchObject({ ExternalID, RequestedCapacityMin: 3 * mebibyte })
      expect(Number(volume.Capacity)).toBeGreaterThanOrEqual(3 * mebibyte)
      expect(await disks(nomad)).toEqual(before)
    },
  },
  {
    title: 'a create never shrinks: less capacity than it has is no difference of the external volume',
    async run(nomad, id) {
      const { Capacity } = await created(nomad, id, { RequestedCapacityMin: 4 * mebibyte })
      await nomad.api.createVolume(definition(nomad, id, { RequestedCapacityMin: mebibyte }))
      expect(Number((await found(nomad, id)).Capacity)).toBe(Number(Capacity))
    },
  },
  {
    title: 'an equal create of what is there changes nothing, or is refused as there already',
    async run(nomad, id) {
      const before = await created(nomad, id)
      const end = await endOf(nomad.api.createVolume(definition(nomad, id)))
      expect(end).toBe(nomad.habits.refusesEqualDefinitions ? 'ambiguous AlreadyExists' : 'done')
      const { ExternalID, Capacity } = await found(nomad, id)
      expect({ ExternalID, Capacity }).toEqual({ ExternalID: before.ExternalID, Capacity: before.Capacity })
    },
  },
  {
    title: 'a create of what is there under another name is refused',
    async run(nomad, id) {
      await created(nomad, id)
      expect(await endOf(nomad.api.createVolume(definition(nomad, id, { Name: `other-${id}` })))).toBe(differ)
      expect((await found(nomad, id)).Name).toBe(`name-of-${id}`)
    },
  },
  {
    title: 'an update takes other capabilities, and mount options that were not there',
    async run(nomad, id) {
      await created(nomad, id)
      const RequestedCapabilities = [
        { AccessMode: 'single-node-writer', AttachmentMode: 'file-system' },
        { AccessMode: 'single-node-reader-only', AttachmentMode: 'file-system' },
      ] as const
      const MountOptions = { FSType: 'ext4', MountFlags: ['noatime'] }
      await nomad.api.createVolume(
        definition(nomad, id, { RequestedCapabilities: [...RequestedCapabilities], MountOptions }),
      )
      const volume = await found(nomad, id)
      expect(volume.RequestedCapabilities).toHaveLength(2)
      expect(volume.MountOptions?.FSType).toBe('ext4')
      // It shows that there are flags, and not which.
      expect(volume.MountOptions?.MountFlags).toEqual(['[REDACTED]'])
    },
  },
  {
    title: 'an update without mount options removes those that are there',
    async run(nomad, id) {
      await created(nomad, id, { MountOptions: { FSType: 'ext4', MountFlags: ['noatime'] } })
      await nomad.api.createVolume(definition(nomad, id, { RequestedCapacityMin: 2 * mebibyte }))
      const { MountOptions } = await found(nomad, id)
      expect([MountOptions?.FSType ?? '', MountOptions?.MountFlags ?? []]).toEqual(['', []])
    },
  },
  {
    title: 'a create from a snapshot that is not there is refused, and makes nothing',
    async run(nomad, id) {
      const before = await disks(nomad)
      const end = await endOf(
        nomad.api.createVolume(definition(nomad, id, { SnapshotID: 'no-such-snapshot' })),
      )
      expect(end).toBe('permanent SourceNotFound')
      expect(await disks(nomad)).toEqual(before)
      expect(await nomad.reads.volume('default', id)).toBeUndefined()
    },
  },
  {
    title:
      'a create in a namespace that is not there fails in doubt, and Nomad leaves an external volume behind',
    needs: ['namespaces'],
    async run(nomad, id) {
      const before = await disks(nomad)
      expect(await nomad.reads.namespaceExists(`no-${id}`)).toBe(false)
      const request = { ...definition(nomad, id), Namespace: `no-${id}` }
      expect(await endOf(nomad.api.createVolume(request))).toBe('ambiguous NamespaceNotFound')
      expect(addedTo(before, await disks(nomad))).toHaveLength(nomad.habits.checksNamespaceFirst ? 0 : 1)
    },
  },
  {
    title: 'volumes of one ID in two namespaces are two volumes',
    needs: ['namespaces'],
    async run(nomad, id) {
      await nomad.addNamespace(id)
      const one = await created(nomad, id)
      const other = await created(nomad, id, { Namespace: id, Name: `other-${id}` })
      expect(other.ExternalID).not.toBe(one.ExternalID)
      expect((await nomad.reads.list(id)).map(({ ID }) => ID)).toEqual([id])
      await nomad.api.deleteVolume(id, id, {})
      expect(await nomad.reads.volume(id, id)).toBeUndefined()
      expect((await found(nomad, id)).ExternalID).toBe(one.ExternalID)
    },
  },
]

/** An external volume that Nomad has under no ID. */
async function unregistered(nomad: NomadUnderTest, id: string) {
  const { ExternalID, Context } = await created(nomad, id)
  await nomad.api.deregisterVolume('default', id)
  return { ExternalID, Context: Context ?? {} }
}

export const registerRows: readonly ContractRow[] = [
  {
    title: 'a register gives an external volume that is there an ID, and makes nothing',
    async run(nomad, id) {
      const external = await unregistered(nomad, id)
      const before = await disks(nomad)
      await nomad.api.registerVolume(definition(nomad, id, external))
      expect(await found(nomad, id)).toMatchObject({ ID: id, ...external })
      expect(await disks(nomad)).toEqual(before)
    },
  },
  {
    title: 'a register of an external volume that is not there is refused, where the plugin is asked',
    async run(nomad, id) {
      const end = await endOf(nomad.api.registerVolume(definition(nomad, id, { ExternalID: 'no-such-disk' })))
      expect(end).toBe(nomad.habits.validatesRegister ? 'permanent ExternalVolumeNotFound' : 'done')
    },
  },
  {
    title: 'a register without an external ID is refused, by Nomad only because no plugin has such a volume',
    async run(nomad, id) {
      const end = await endOf(nomad.api.registerVolume(definition(nomad, id)))
      expect(end).toBe(`permanent ${nomad.habits.asksForNoID ? 'ExternalVolumeNotFound' : 'InvalidVolume'}`)
    },
  },
  {
    title: 'a register of what is there with another external ID is refused',
    async run(nomad, id) {
      const other = await unregistered(nomad, `${id}-other`)
      const { ExternalID } = await created(nomad, id)
      expect(await endOf(nomad.api.registerVolume(definition(nomad, id, other)))).toBe(differ)
      expect((await found(nomad, id)).ExternalID).toBe(ExternalID)
    },
  },
  {
    title: 'two IDs may name one external volume',
    async run(nomad, id) {
      const { ExternalID, Context } = await created(nomad, id)
      const external = { ExternalID, Context: Context ?? {} }
      await nomad.api.registerVolume(definition(nomad, `${id}-again`, external))
      expect((await found(nomad, `${id}-again`)).ExternalID).toBe(ExternalID)
    },
  },
]

export const endRows: readonly ContractRow[] = [
  {
    title: 'a deregister forgets the volume, and its external volume stays',
    async run(nomad, id) {
      const { ExternalID } = await created(nomad, id)
      await nomad.api.deregisterVolume('default', id)
      expect(await nomad.reads.volume('default', id)).toBeUndefined()
      expect(await disks(nomad)).toContain(ExternalID)
    },
  },
  {
    title: 'a delete ends the volume and its external volume',
    async run(nomad, id) {
      const { ExternalID } = await created(nomad, id)
      await nomad.api.deleteVolume('default', id, {})
      expect(await nomad.reads.volume('default', id)).toBeUndefined()
      expect(await disks(nomad)).not.toContain(ExternalID)
    },
  },
  {
    title: 'a deregister and a delete of what is not there are done already',
    async run(nomad, id) {
      expect(await endOf(nomad.api.deregisterVolume('default', id))).toBe('done')
      expect(await endOf(nomad.api.deleteVolume('default', id, {}))).toBe('done')
    },
  },
  {
    title: 'a delete of one of two IDs for an external volume destroys it under both, or is refused',
    async run(nomad, id) {
      const { ExternalID, Context } = await created(nomad, id)
      await nomad.api.registerVolume(definition(nomad, `${id}-again`, { ExternalID, Context: Context ?? {} }))
      const end = await endOf(nomad.api.deleteVolume('default', id, {}))
      expect(end).toBe(nomad.habits.guardsSharedVolumes ? 'waiting InUse' : 'done')
      expect((await disks(nomad)).includes(ExternalID)).toBe(nomad.habits.guardsSharedVolumes)
      if (nomad.habits.guardsSharedVolumes) await nomad.api.deregisterVolume('default', id)
      // What is gone at the plugin is deleted already.
      await nomad.api.deleteVolume('default', `${id}-again`, {})
      expect(await nomad.reads.volume('default', `${id}-again`)).toBeUndefined()
    },
  },
  {
    title: 'a claim shows in the volume and in the list, and raises the ModifyIndex',
    needs: ['claims'],
    async run(nomad, id) {
      const before = await created(nomad, id)
      const claim = await nomad.claim(id)
      const volume = await found(nomad, id)
      const [allocationID = ''] = Object.keys(volume.WriteAllocs ?? {})
      expect(volume.Allocations).toMatchObject([
        { ID: allocationID, NodeID: claim.nodeID, ClientStatus: 'running' },
      ])
      const stub = (await nomad.reads.list('default')).find(({ ID }) => ID === id)
      expect(stub?.CurrentWriters).toBe(1)
      expect((await nomad.reads.allocations('default')).get(allocationID)).toMatchObject({
        NodeID: claim.nodeID,
        ClientStatus: 'running',
      })
      expect(BigInt(volume.ModifyIndex)).toBeGreaterThan(BigInt(before.ModifyIndex))
      await claim.end()
      expect(Object.keys((await found(nomad, id)).WriteAllocs ?? {})).toEqual([])
    },
  },
  {
    title:
      'a deregister of a volume in use is refused, and the volume stays; when the claim has ended it is done',
    needs: ['claims'],
    async run(nomad, id) {
      await created(nomad, id)
      const claim = await nomad.claim(id)
      expect(await endOf(nomad.api.deregisterVolume('default', id))).toBe('waiting InUse')
      expect((await found(nomad, id)).ID).toBe(id)
      await claim.end()
      expect(await endOf(nomad.api.deregisterVolume('default', id))).toBe('done')
    },
  },
  {
    title: 'a delete of a volume in use is refused, and Nomad has called the plugin before it looks',
    needs: ['claims'],
    async run(nomad, id) {
      const { ExternalID } = await created(nomad, id)
      const claim = await nomad.claim(id)
      const end = await endOf(nomad.api.deleteVolume('default', id, {}))
      const isKept = (await disks(nomad)).includes(ExternalID)
      expect((await found(nomad, id)).ID).toBe(id)
      if (nomad.habits.deletesBeforeItChecks) {
        // A plugin that knows where its volumes are refuses; one that does not has destroyed this one.
        expect(end).toMatch(isKept ? /^(waiting|transient) / : /^waiting InUse$/)
      } else expect([end, isKept]).toEqual(['waiting InUse', true])
      await claim.end()
    },
  },
  {
    title: 'a detach from a node where an allocation lives is refused, and frees nothing',
    needs: ['claims'],
    async run(nomad, id) {
      await created(nomad, id)
      const claim = await nomad.claim(id)
      const end = await endOf(nomad.api.detachVolume('default', id, claim.nodeID))
      expect(end).toBe(nomad.habits.refusesDetachOfLiving ? 'waiting InUse' : 'waiting DetachUnsupported')
      expect(Object.keys((await found(nomad, id)).WriteAllocs ?? {})).toHaveLength(1)
      await claim.end()
      await eventually(
        async () => expect(await endOf(nomad.api.deregisterVolume('default', id))).toBe('done'),
        patienceMs,
      )
    },
  },
  {
    title: 'a detach from a node that holds nothing is done, or is known to be broken',
    needs: ['claims'],
    async run(nomad, id) {
      await created(nomad, `${id}-claimed`)
      const claim = await nomad.claim(`${id}-claimed`)
      await created(nomad, id)
      const end = await endOf(nomad.api.detachVolume('default', id, claim.nodeID))
      await claim.end()
      expect(end).toBe(nomad.habits.detachIsBroken ? 'waiting DetachUnsupported' : 'done')
    },
  },
]
