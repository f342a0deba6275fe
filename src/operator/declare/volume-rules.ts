import { fixedField, fixedOnceRecorded, fixedVolumeID, type Rule } from './kubernetes.ts'

/**
 * What reading a Volume refuses beyond its schema (findContradictions), in CEL and in the same words, so that
 * the API server refuses it too.
 */
export const specRules: readonly Rule[] = [
  fixedField('cluster'),
  fixedField('namespace'),
  {
    rule: 'has(self.externalID) || has(self.source) || has(self.capacity)',
    message:
      'says neither what is there nor what to create: give externalID to register a volume, or capacity (or source) to create one',
  },
  {
    rule: '!(has(self.externalID) && has(self.name))',
    message:
      'name is given to a plugin that creates a volume, and externalID registers one that is there: remove name or externalID',
    fieldPath: '.name',
  },
  {
    rule: '!(has(self.externalID) && has(self.source))',
    message:
      'source fills a volume that is created, and externalID registers one that is there: remove source or externalID',
    fieldPath: '.source',
  },
  {
    rule: 'has(self.externalID) || !has(self.context) || size(self.context) == 0',
    message:
      'context belongs to a volume that is registered: give its externalID, or remove context (a created volume has the one that the plugin answers)',
    fieldPath: '.context',
  },
  {
    rule: '!(has(self.perAlloc) && has(self.name))',
    message:
      'name would be the name of every volume that perAlloc makes: remove name (each is given one of its own) or perAlloc',
    fieldPath: '.name',
  },
  {
    rule: '!(has(self.perAlloc) && has(self.externalID))',
    message:
      'externalID stands for one volume, and perAlloc makes several: remove externalID, or declare an object for each of the volumes that are there, with volumeID: <id>[0] and so on',
    fieldPath: '.externalID',
  },
  {
    rule: 'has(self.perAlloc) == has(oldSelf.perAlloc)',
    message:
      'with perAlloc an object stands for other volumes than without, and that cannot change: delete this object (deletionPolicy: Retain leaves everything as it is) and declare another one',
    fieldPath: '.perAlloc',
  },
  {
    rule: "!has(self.finalSnapshot) || !self.finalSnapshot || (has(self.deletionPolicy) && self.deletionPolicy == 'Delete') || (has(self.perAlloc) && has(self.perAlloc.whenScaled) && self.perAlloc.whenScaled == 'Delete')",
    message:
      'finalSnapshot is taken before a delete, and this volume is never deleted: remove it, or set deletionPolicy: Delete',
    fieldPath: '.finalSnapshot',
  },
  {
    rule: "!has(self.mountOptions) || !(has(self.mountOptions.fsType) || (has(self.mountOptions.mountFlags) && size(self.mountOptions.mountFlags) > 0)) || self.capabilities.exists(c, c.attachmentMode == 'file-system')",
    message:
      'mountOptions have no effect on a block device: remove them, or give a capability with attachmentMode: file-system',
    fieldPath: '.mountOptions',
  },
]

const isPositive = (bound: 'min' | 'max'): Rule => ({
  rule: `!has(self.${bound}) || quantity(string(self.${bound})).isGreaterThan(quantity('0'))`,
  message: `${bound} is 0: give a capacity, or leave the field out`,
  fieldPath: `.${bound}`,
})

export const capacityRules: readonly Rule[] = [
  isPositive('min'),
  isPositive('max'),
  {
    rule: '!has(self.min) || !has(self.max) || quantity(string(self.min)).compareTo(quantity(string(self.max))) <= 0',
    message: 'max is less than min: raise max or lower min',
    fieldPath: '.max',
  },
]

/** Of the whole object: what holds once the volume is there. */
export const objectRules: readonly Rule[] = [
  fixedVolumeID,
  fixedOnceRecorded('pluginID', 'externalID', 'the volume'),
  {
    rule: '!has(self.status) || !has(self.status.externalID) || !has(self.spec.externalID) || (has(oldSelf.spec.externalID) && self.spec.externalID == oldSelf.spec.externalID) || self.spec.externalID == self.status.externalID',
    message:
      'another external volume stands for this object already, and externalID cannot change: delete this object (deletionPolicy: Retain leaves everything as it is) and declare another one',
    fieldPath: '.spec.externalID',
  },
  {
    rule: '!has(self.spec.source) || !has(self.spec.source.volume) || !(self.spec.source.volume == self.metadata.name || self.spec.source.volume.startsWith(self.metadata.name + "["))',
    message: 'source.volume is this volume itself: name the volume to clone',
    fieldPath: '.spec.source',
  },
]
