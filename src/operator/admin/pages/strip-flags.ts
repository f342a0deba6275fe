import { stripped } from '../../../lib/redact.ts'

const secretName = /pass|secret|cred|token|key/i

/**
 * A declaration without the values of mount flags that may hold a password, such as `password=…` of CIFS: a flag is the one
 * field of a declaration in which people write a secret in clear.
 */
export function stripFlags<Document extends { readonly spec: Readonly<Record<string, unknown>> }>(
  document: Document,
): Document {
  const { mountOptions } = document.spec
  if (typeof mountOptions !== 'object' || mountOptions === null) return document
  const { mountFlags } = mountOptions as { readonly mountFlags?: unknown }
  if (!Array.isArray(mountFlags)) return document
  const shown = mountFlags.map((flag) => {
    const [name = '', ...rest] = String(flag).split('=')
    return rest.length > 0 && secretName.test(name) ? `${name}=${stripped}` : flag
  })
  return { ...document, spec: { ...document.spec, mountOptions: { ...mountOptions, mountFlags: shown } } }
}
