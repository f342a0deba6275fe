import type { ObjectReference } from '../../../src/wire/dashboard/common.ts'
import { addressOf, kindInWords } from '../data/format.ts'

/** The name of a declaration, as a link to its page. The namespace stands before it unless it is the usual one. */
export function ObjectLink(props: { readonly object: ObjectReference; readonly isKindShown?: boolean }) {
  const { object, isKindShown = false } = props
  const { namespace, name, kind, cluster } = object
  return (
    <span>
      <a class="name" href={addressOf(object)}>
        {namespace !== 'default' && <span class="second">{namespace}/</span>}
        {name}
      </a>
      {isKindShown && <span class="quiet small"> {kindInWords(kind)}</span>}
      {cluster !== undefined && <span class="quiet small"> in {cluster}</span>}
    </span>
  )
}
