import type { Declaration } from '../declare/declaration.ts'
import type { ParsedDeclarations } from '../declare/parse-declarations.ts'
import { compare } from './scan-files.ts'

/**
 * What is declared after a reading: all that was understood, and of before what is not known to have gone:
 * the declarations of files that could not be read, or that now have a problem, unless they are declared
 * somewhere else by now.
 * @param unreadable files and folders that could not be looked into; undefined: nothing is known to have gone
 */
export function keepUnknown(
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
  const kept = before.filter(
    (declaration) =>
      isUnknown(declaration.place.file) &&
      !identitiesOf(declaration).some((identity) => identities.has(identity)),
  )
  return [...fresh, ...kept].sort(
    (a, b) => compare(a.place.file, b.place.file) || a.place.document - b.place.document,
  )
}

/** By what a declaration is known again: its name, and a volume also by its ID. */
function identitiesOf({ kind, name, spec }: Declaration): string[] {
  const identities = [JSON.stringify([kind, spec.namespace, 'name', name])]
  if ('volumeID' in spec) identities.push(JSON.stringify([kind, spec.namespace, 'ID', spec.volumeID]))
  return identities
}
