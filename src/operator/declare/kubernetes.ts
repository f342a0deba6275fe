/**
 * What a schema says to Kubernetes alone. Keys that begin with `x-kubernetes-` reach the CRD as they are;
 * `x-mooring-only` keeps a part of the schema to one of the two places where a declaration may stand, and
 * `x-mooring-unquoted` is for the messages of its faults. None reaches the schemas for editors.
 */

/** Where a declaration was written: in a file of a folder or repository, or as an object of Kubernetes. */
export type Origin = 'file' | 'object'

/** Marks a field, or a member of a union, that may stand in declarations of one origin only. */
export const only = (origin: Origin) => ({ 'x-mooring-only': origin })

/** A rule in CEL, as `x-kubernetes-validations` has them. The message names the remedy. */
export interface Rule {
  readonly rule: string
  readonly message: string
  /** Relative to where the rule stands, such as `.spec.volumeID`: the field that the error names. */
  readonly fieldPath?: string
}

/** Marks a text that no message repeats, as somebody may have written a password into it. */
export const unquoted = { 'x-mooring-unquoted': true } as const

export const rules = (...list: readonly Rule[]) => ({ 'x-kubernetes-validations': list })

const startOver =
  'delete this object (deletionPolicy: Retain leaves everything as it is) and declare another one'

/** A field of the spec that is a part of the declaration's identity: neither given, changed nor removed later. */
export const fixedField = (field: 'cluster' | 'namespace'): Rule => {
  // A word that CEL reserves for itself is written like this in a rule (Kubernetes, Validation rules: escaping).
  const name = field === 'namespace' ? '__namespace__' : field
  return {
    rule: `has(self.${name}) == has(oldSelf.${name}) && (!has(self.${name}) || self.${name} == oldSelf.${name})`,
    message: `${field} is a part of what this object stands for and cannot change: ${startOver}`,
    fieldPath: `.${field}`,
  }
}

/** A field of the spec, as a rule of the whole object, that is fixed once `status[recorded]` is known. */
export const fixedOnceRecorded = (field: string, recorded: string, what: string): Rule => ({
  rule: `!has(self.status) || !has(self.status.${recorded}) || self.spec.${field} == oldSelf.spec.${field}`,
  message: `${what} is there, and its ${field} cannot change: ${startOver}`,
  fieldPath: `.spec.${field}`,
})

/** The volume's ID in Nomad, which may be written out where it was metadata.name before. */
export const fixedVolumeID: Rule = {
  rule: '(has(self.spec.volumeID) ? self.spec.volumeID : self.metadata.name) == (has(oldSelf.spec.volumeID) ? oldSelf.spec.volumeID : oldSelf.metadata.name)',
  message: `volumeID is what this object stands for and cannot change: ${startOver}`,
  fieldPath: '.spec.volumeID',
}
