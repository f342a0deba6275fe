import { anyKindPattern } from '../../lib/declared-kinds.ts'
import type { OtherDocument } from '../declare/other-document.ts'
import type { Evidence } from './evidence.ts'
import { explainDoubt, type Unclear } from './judge-removal.ts'

/** The files of a source that were not understood, and what is wrong with each. */
export type NotUnderstood = ReadonlyMap<string, Unclear>

/** Finds what of a source is not understood, by its file or folder. */
export function notUnderstood(source: string, { files, doubts }: Evidence): NotUnderstood {
  const found = new Map<string, Unclear>()
  for (const doubt of doubts) found.set(doubt.file, explainDoubt(doubt))
  for (const [file, { documents, others }] of files) {
    const strange = file.endsWith('.hcl') ? undefined : others.find(mayBeDamaged)
    if (documents > 0 && strange === undefined) continue
    const path = file === '' ? source : `${source}/${file}`
    found.set(
      file,
      strange === undefined
        ? { what: `${path} is empty, or has only comments`, remedy: 'Put its content back, or delete it.' }
        : {
            what: `${path}:${strange.line} has a document that is no declaration (${strange.what})`,
            remedy: 'Correct that.',
          },
    )
  }
  return found
}

/** Whether another document may be a declaration that lost its head. A job in HCL and an object of Kubernetes may not. */
function mayBeDamaged({ what }: OtherDocument): boolean {
  return !what.includes('kind "') || new RegExp(`kind "${anyKindPattern}"`).test(what)
}
