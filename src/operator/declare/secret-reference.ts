import Type from 'typebox'
import { only } from './kubernetes.ts'

/** One part of a relative path: not `.` or `..`, and without separators and control characters. */
const pathPart = String.raw`(?:[^./\\\x00-\x1f][^/\\\x00-\x1f]*|\.[^./\\\x00-\x1f][^/\\\x00-\x1f]*|\.\.[^/\\\x00-\x1f]+)`

/**
 * Where the value of a secret is. The value itself is never in a declaration. Whoever writes a declaration may not be allowed
 * to read all secrets of the machine, so a reference reaches only variables that begin with `MOORING_SECRET_`, files beneath
 * `--secrets-dir`, and Nomad Variables beneath `mooring/secrets/<Nomad namespace>/`; in an object of Kubernetes, only Secrets
 * of its own namespace.
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
 * Stands for a secret that is written in a Nomad specification file. Nobody can write such a reference: it is made when the
 * file is read. The value is in memory only, under this keyed hash.
 */
export interface SpecificationSecretReference {
  readonly fromSpecification: string
}

export type SecretReference = Readonly<Type.Static<typeof SecretReference>> | SpecificationSecretReference

/** Stores the value of a secret apart from its declaration, which is stored and shown. Equal values have equal references. */
export type StoreSecret = (value: string) => SpecificationSecretReference

const reference =
  '{fromEnv: MOORING_SECRET_…}, {fromFile: path beneath --secrets-dir} or {fromVariable: {path: …, item: …}}'

/** Why `value` is no secret reference. The message contains nothing of it: it may be the secret itself. */
export function explainSecretReference(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return `the value of a secret must not be in a declaration: write where it is, ${reference}`
  }
  const members = Object.keys(value)
  if (members.length !== 1) return `give exactly one of ${reference}`
  if (members[0] === 'fromSecret') {
    return 'fromSecret is only for objects of Kubernetes, and needs the name and the key of a Secret: {fromSecret: {name: …, key: …}}'
  }
  if (members[0] === 'fromVariable') {
    return "fromVariable needs the path of a Nomad Variable beneath mooring/secrets/ and the declaration's Nomad namespace (letters, digits, _, ~, - and /), and the name of an item: {fromVariable: {path: …, item: …}}"
  }
  if (members[0] === 'fromEnv') {
    return 'fromEnv needs an environment variable whose name is MOORING_SECRET_ and then letters, digits and _: rename the variable'
  }
  if (members[0] === 'fromFile') {
    return 'fromFile needs a relative path beneath --secrets-dir, with forward slashes and without "." and ".."'
  }
  return `a secret is a reference: write ${reference}`
}
