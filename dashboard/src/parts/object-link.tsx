import type { ComponentChildren } from 'preact'
import type { ObjectReference } from '../../../src/wire/dashboard/common.ts'
import { addressOf, kindInWords } from '../data/format.ts'

/** A long name may go on in the next line after a colon: names of a schedule's snapshots have some. */
function breakable(name: string): ComponentChildren {
  return name.split(/(?<=:)/).flatMap((part, index) => (index === 0 ? [part] : [<wbr key={part} />, part]))
}

/** The name of a declaration, as a link to its page. The namespace stands before it unless it is the usual one. */
export function ObjectLink(props: { readonly object: ObjectReference; readonly isKindShown?: boolean }) {
  const { object, isKindShown = false } = props
  const { namespace, name, kind, cluster } = object
  return (
    <span>
      <a class="name" href={addressOf(object)}>
        {namespace !== 'default' && <span class="second">{namespace}/</span>}
        {breakable(name)}
      </a>
      {isKindShown && <span class="quiet small"> {kindInWords(kind)}</span>}
      {cluster !== undefined && <span class="quiet small"> in {cluster}</span>}
    </span>
  )
}
