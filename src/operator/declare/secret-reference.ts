import Type from 'typebox'
import { only } from './kubernetes.ts'

/** One part of a relative path: neither `.` nor `..`, without separators and control characters. */
const pathPart = String.raw`(?:[^./\\\x00-\x1f][^/\\\x00-\x1f]*|\.[^./\\\x00-\x1f][^/\\\x00-\x1f]*|\.\.[^/\\\x00-\x1f]+)`

/**
 * Where a secret's value is; the value itself never stands in a declaration. Whoever writes a declaration
 * may not be who may read the machine's secrets, so a reference reaches only what is set apart for it:
 * variables that begin with `MOORING_SECRET_`, files beneath `--secrets-dir`, and Nomad Variables beneath
 * `mooring/secrets/<Nomad namespace>/`; for an object of Kubernetes, Secrets of its own namespace.
 */
export const SecretReference = Type.Union(
  [
    Type.Object(
      {
        fromEnv: Type.String({
          pattern: '^MOORING_SECRET_[A-Za-z0-9_]+$',
          description: 'Environment variable of the operator. Its name begins with MOORING_SECRET_.',
        }),
      },
      { additionalProperties: false, ...only('file') },
    ),
    Type.Object(
      {
        fromFile: Type.String({
          pattern: `^${pathPart}(?:/${pathPart})*$`,
          description: 'File beneath the folder that --secrets-dir names, as a relative path without "..".',
        }),
      },
      { additionalProperties: false, ...only('file') },
    ),
    Type.Object(
      {
        fromSecret: Type.Object(
          {
            name: Type.String({
              minLength: 1,
              maxLength: 253,
              description: "Name of the Secret, in this object's own Kubernetes namespace.",
            }),
            key: Type.String({
              minLength: 1,
              maxLength: 253,
              description: "Key of the value in the Secret's data.",
            }),
          },
          {
            additionalProperties: false,
            description: "Key of a Secret in this object's own namespace. For objects of Kubernetes only.",
          },
        ),
      },
      { additionalProperties: false, ...only('object') },
    ),
    Type.Object(
      {
        fromVariable: Type.Object(
          {
            path: Type.String({
              maxLength: 64,
              pattern: '^[A-Za-z0-9_~-]+(?:/[A-Za-z0-9_~-]+)*$',
              description:
                "Path of the Nomad Variable, beneath mooring/secrets/ and the declaration's Nomad namespace.",
            }),
            item: Type.String({
              minLength: 1,
              maxLength: 128,
              description: "Name of the value among the variable's items.",
            }),
          },
          {
            additionalProperties: false,
            description: "Item of a Nomad Variable that is set apart for the declaration's Nomad namespace.",
          },
        ),
      },
      { additionalProperties: false, ...only('file') },
    ),
  ],
  { description: "Where the secret's value is. The value itself never stands in a declaration." },
)

/**
 * Stands for a value that a Nomad specification file gives in place. Nobody can write one: it is made as
 * the file is read, and the value is kept in memory alone, under this keyed hash of it.
 */
export interface KeptSecretReference {
  readonly fromSpecification: string
}

export type SecretReference = Readonly<Type.Static<typeof SecretReference>> | KeptSecretReference

/** Keeps a secret's value apart from its declaration, which is stored and shown. The same value has the same reference. */
export type SecretKeeper = (value: string) => KeptSecretReference

const reference =
  '{fromEnv: MOORING_SECRET_…}, {fromFile: path beneath --secrets-dir} or {fromVariable: {path: …, item: …}}'

/** Why `value` is no secret reference. Says nothing of what `value` holds: it may be the secret itself. */
export function explainSecretReference(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `a secret's value never stands in a declaration: write where it is, ${reference}`
  }
  const members = Object.keys(value)
  if (members.length !== 1) return `give exactly one of ${reference}`
  if (members[0] === 'fromSecret') {
    return 'fromSecret takes the name and the key of a Secret, {fromSecret: {name: …, key: …}}, and is for objects of Kubernetes only'
  }
  if (members[0] === 'fromVariable') {
    return "fromVariable takes the path of a Nomad Variable beneath mooring/secrets/ and the declaration's Nomad namespace, of letters, digits, _, ~, - and /, and the name of its item: {fromVariable: {path: …, item: …}}"
  }
  if (members[0] === 'fromEnv') {
    return 'fromEnv names an environment variable that begins with MOORING_SECRET_ and goes on with letters, digits and _: rename the variable'
  }
  if (members[0] === 'fromFile') {
    return 'fromFile is a relative path beneath --secrets-dir, with forward slashes and without "." or ".." parts'
  }
  return `a secret is a reference: write ${reference}`
}
