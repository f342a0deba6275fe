/**
 * Extra keys of schemas. `x-kubernetes-…` is copied to the CRD. `x-mooring-only` marks a part that is only for files or
 * only for objects. `x-mooring-unquoted` is about messages. None of them appears in the schemas for editors.
 */

/** A declaration is in a file (of a folder or repository) or is an object of Kubernetes. */
export type Origin = 'file' | 'object'

/** Marks a field, or a member of a union, that only declarations of one origin may have. */
export const only = (origin: Origin) => ({ 'x-mooring-only': origin })

/** A rule in CEL, for `x-kubernetes-validations`. The message says what to do. */
export interface Rule {
  readonly rule: string
  readonly message: string
  /** The field that the error names, from where the rule is: `.spec.volumeID`. */
  readonly fieldPath?: string
}

/** Marks a text that no message repeats, because a person may have put a password into it. */
export const unquoted = { 'x-mooring-unquoted': true } as const

export const rules = (...list: readonly Rule[]) => ({ 'x-kubernetes-validations': list })

const startOver =
  'delete this object (deletionPolicy: Retain leaves everything as it is) and declare another one'

/** A rule for a field of the identity: it cannot be added, changed or removed later. */
export const fixedField = (field: 'cluster' | 'namespace'): Rule => {
  // CEL reserves this word, so rules write it so (Kubernetes, Validation rules: escaping).
  const name = field === 'namespace' ? '__namespace__' : field
  return {
    rule: `has(self.${name}) == has(oldSelf.${name}) && (!has(self.${name}) || self.${name} == oldSelf.${name})`,
    message: `${field} is part of the identity of this object and cannot change: ${startOver}`,
    fieldPath: `.${field}`,
  }
}

/** A rule of the whole object: a field of the spec cannot change once `status[recorded]` is set. */
export const fixedOnceRecorded = (field: string, recorded: string, what: string): Rule => ({
  rule: `!has(self.status) || !has(self.status.${recorded}) || self.spec.${field} == oldSelf.spec.${field}`,
  message: `${what} exists, so ${field} cannot change: ${startOver}`,
  fieldPath: `.spec.${field}`,
})

/** The name of a host volume in Nomad cannot change. */
export const fixedHostVolumeName: Rule = {
  rule: '(has(self.spec.name) ? self.spec.name : self.metadata.name) == (has(oldSelf.spec.name) ? oldSelf.spec.name : oldSelf.metadata.name)',
  message: `name is the identity of this object and cannot change: ${startOver}`,
  fieldPath: '.spec.name',
}

/** The ID of the volume in Nomad cannot change. To add volumeID with the value of metadata.name is no change. */
export const fixedVolumeID: Rule = {
  rule: '(has(self.spec.volumeID) ? self.spec.volumeID : self.metadata.name) == (has(oldSelf.spec.volumeID) ? oldSelf.spec.volumeID : oldSelf.metadata.name)',
  message: `volumeID is the identity of this object and cannot change: ${startOver}`,
  fieldPath: '.spec.volumeID',
}
