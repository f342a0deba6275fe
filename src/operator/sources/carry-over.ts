import type { Declaration } from '../declare/declaration.ts'
import type { ParsedDeclarations } from '../declare/parse-declarations.ts'
import { compare } from './scan-files.ts'

/**
 * What is declared after a reading: everything that was understood now, and from before the declarations of files that could
 * not be read or have a problem, unless another file declares them now.
 * @param unreadable files and folders that could not be read; undefined: all declarations from before stay
 */
export function carryOver(
  before: readonly Declaration[],
  files: ReadonlyMap<string, Pick<Readonly<ParsedDeclarations>, 'declarations' | 'problems'>>,
  unreadable: readonly { readonly file: string }[] | undefined,
): Declaration[] {
  const fresh = [...files.values()].flatMap((file) => file.declarations)
  const identities = new Set(fresh.flatMap(identitiesOf))
  const isUnknown = (file: string) =>
    unreadable === undefined ||
    (files.get(file)?.problems.length ?? 0) > 0 ||
    unreadable.some((place) => place.file === '' || file === place.file || file.startsWith(`${place.file}/`))
  const carried = before.filter(
    (declaration) =>
      isUnknown(declaration.place.file) &&
      !identitiesOf(declaration).some((identity) => identities.has(identity)),
  )
  return [...fresh, ...carried].sort(
    (a, b) => compare(a.place.file, b.place.file) || a.place.document - b.place.document,
  )
}

/** What identifies a declaration: its name, and for a volume also its ID. */
function identitiesOf({ kind, name, spec }: Declaration): string[] {
  const identities = [JSON.stringify([kind, spec.namespace, 'name', name])]
  if ('volumeID' in spec) identities.push(JSON.stringify([kind, spec.namespace, 'ID', spec.volumeID]))
  return identities
}
