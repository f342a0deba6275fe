import { fixedField, fixedOnceRecorded, fixedVolumeID, type Rule } from './kubernetes.ts'

/** The fields of a Volume's spec that can contradict each other, as written. */
interface WrittenSpec {
  readonly name?: string
  readonly externalID?: string
  readonly source?: object
  readonly capacity?: object
  readonly context?: object
  readonly perAlloc?: { readonly whenScaled?: string }
  readonly finalSnapshot?: boolean
  readonly deletionPolicy?: string
  readonly mountOptions?: { readonly fsType?: string; readonly mountFlags?: readonly string[] }
  readonly capabilities: readonly { readonly attachmentMode: string }[]
}

/** Fields that are each right and make no sense together. Reading refuses them, and so does the API server, by CEL. */
interface Contradiction {
  /** The field that the error names; absent: the whole spec. */
  readonly field?: string
  /** It goes on from the name of the field. */
  readonly message: string
  /** Only objects are refused. */
  readonly isForObjects?: true
  readonly isBroken: (spec: WrittenSpec) => boolean
  /** The opposite of `isBroken`, in CEL. */
  readonly rule: string
}

export const contradictions: readonly Contradiction[] = [
  {
    message:
      'says neither what exists nor what to create: give externalID to register a volume, or capacity (or source) to create one',
    // A file may adopt a volume of Nomad's by its ID alone, as Nomad's own specification files do.
    isForObjects: true,
    isBroken: ({ externalID, source, capacity }) =>
      externalID === undefined && source === undefined && capacity === undefined,
    rule: 'has(self.externalID) || has(self.source) || has(self.capacity)',
  },
  {
    field: 'name',
    message:
      'is for a plugin that creates a volume, and externalID registers an existing one: remove name or externalID',
    isBroken: ({ externalID, name }) => externalID !== undefined && name !== undefined,
    rule: '!(has(self.externalID) && has(self.name))',
  },
  {
    field: 'source',
    message: 'fills a new volume, and externalID registers an existing one: remove source or externalID',
    isBroken: ({ externalID, source }) => externalID !== undefined && source !== undefined,
    rule: '!(has(self.externalID) && has(self.source))',
  },
  {
    field: 'context',
    message:
      'is for a volume that is registered: give its externalID, or remove context (the plugin gives a created volume its context)',
    isBroken: ({ externalID, context }) =>
      externalID === undefined && context !== undefined && Object.keys(context).length > 0,
    rule: 'has(self.externalID) || !has(self.context) || size(self.context) == 0',
  },
  {
    field: 'name',
    message:
      'would be the name of every volume that perAlloc makes: remove perAlloc, or remove name (then each gets one of its own)',
    isBroken: ({ perAlloc, name }) => perAlloc !== undefined && name !== undefined,
    rule: '!(has(self.perAlloc) && has(self.name))',
  },
  {
    field: 'externalID',
    message:
      'is one volume, and perAlloc makes several: remove externalID, or declare each existing volume by itself, with volumeID: <id>[0] and so on',
    isBroken: ({ perAlloc, externalID }) => perAlloc !== undefined && externalID !== undefined,
    rule: '!(has(self.perAlloc) && has(self.externalID))',
  },
  {
    field: 'finalSnapshot',
    message:
      'is taken before a delete, and this volume is never deleted: remove it, or set deletionPolicy: Delete',
    isBroken: ({ finalSnapshot, deletionPolicy, perAlloc }) =>
      finalSnapshot === true && deletionPolicy !== 'Delete' && perAlloc?.whenScaled !== 'Delete',
    rule: "!has(self.finalSnapshot) || !self.finalSnapshot || (has(self.deletionPolicy) && self.deletionPolicy == 'Delete') || (has(self.perAlloc) && has(self.perAlloc.whenScaled) && self.perAlloc.whenScaled == 'Delete')",
  },
  {
    field: 'mountOptions',
    message:
      'has no effect on a block device: remove it, or give a capability with attachmentMode: file-system',
    isBroken: ({ mountOptions, capabilities }) =>
      (mountOptions?.fsType !== undefined || (mountOptions?.mountFlags?.length ?? 0) > 0) &&
      capabilities.every(({ attachmentMode }) => attachmentMode === 'block-device'),
    rule: "!has(self.mountOptions) || !(has(self.mountOptions.fsType) || (has(self.mountOptions.mountFlags) && size(self.mountOptions.mountFlags) > 0)) || self.capabilities.exists(c, c.attachmentMode == 'file-system')",
  },
]

export const specRules: readonly Rule[] = [
  fixedField('cluster'),
  fixedField('namespace'),
  {
    rule: 'has(self.perAlloc) == has(oldSelf.perAlloc)',
    message:
      'perAlloc decides which volumes this object stands for, so it cannot come or go: delete this object (deletionPolicy: Retain leaves everything as it is) and declare another one',
    fieldPath: '.perAlloc',
  },
  ...contradictions.map(({ field, message, rule }) => ({
    rule,
    message: field === undefined ? message : `${field} ${message}`,
    ...(field !== undefined && { fieldPath: `.${field}` }),
  })),
]

/** Nomad and CSI take 0 for absent, which would surprise a person. */
export const zeroCapacity = 'is 0: give a capacity, or remove the field'
export const lessThanMin = 'is less than min: raise max or lower min'

const isPositive = (bound: 'min' | 'max'): Rule => ({
  rule: `!has(self.${bound}) || quantity(string(self.${bound})).isGreaterThan(quantity('0'))`,
  message: `${bound} ${zeroCapacity}`,
  fieldPath: `.${bound}`,
})

export const capacityRules: readonly Rule[] = [
  isPositive('min'),
  isPositive('max'),
  {
    rule: '!has(self.min) || !has(self.max) || quantity(string(self.min)).compareTo(quantity(string(self.max))) <= 0',
    message: `max ${lessThanMin}`,
    fieldPath: '.max',
  },
]

export const clonesItself = 'is this volume itself: name the volume to clone'

/** Rules of the whole object: what cannot change once the volume exists. */
export const objectRules: readonly Rule[] = [
  fixedVolumeID,
  fixedOnceRecorded('pluginID', 'externalID', 'the volume'),
  {
    rule: '!has(self.status) || !has(self.status.externalID) || !has(self.spec.externalID) || (has(oldSelf.spec.externalID) && self.spec.externalID == oldSelf.spec.externalID) || self.spec.externalID == self.status.externalID',
    message:
      'this object has another external volume already, and externalID cannot change: delete this object (deletionPolicy: Retain leaves everything as it is) and declare another one',
    fieldPath: '.spec.externalID',
  },
  {
    rule: '!has(self.spec.source) || !has(self.spec.source.volume) || !(self.spec.source.volume == self.metadata.name || self.spec.source.volume.startsWith(self.metadata.name + "["))',
    message: `source.volume ${clonesItself}`,
    fieldPath: '.spec.source',
  },
]
