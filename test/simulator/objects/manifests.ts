import { annotations } from '../../../src/operator/desired/object-ends.ts'
import type { StoredObject } from '../../fakes/kubernetes/json.ts'
import type { Act } from '../acts.ts'
import { type Document, identityOf } from '../documents.ts'
import { identityOfObject, type Team } from '../world/api-server.ts'
import { documentOf } from './documents.ts'
import type { Kubectl } from './kubectl.ts'

/** What people mean to be there, as a repository of manifests has it. */
interface Manifest {
  readonly team: Team
  readonly documents: readonly Document[]
}

export type ManifestAct = Extract<
  Act,
  { readonly do: 'write' | 'duplicate' | 'remove' | 'object' | 'delete namespace' }
>

/** Follows the manifests of a history, and carries out what people do to them and to their objects. */
export function createManifests(kubectl: Kubectl, nowMs: () => number) {
  const { find, all, apply, remove, annotate, letGo } = kubectl
  const manifests = new Map<string, Manifest>()

  function objectsOf({ team, documents }: Manifest): StoredObject[] {
    return documents.flatMap(({ kind, name }) => find(kind, team, name) ?? [])
  }

  /** The objects for the documents of a file that it no longer has are deleted. */
  function write(file: string, documents: readonly Document[], team: Team) {
    const before = manifests.get(file)
    manifests.set(file, { team, documents })
    const kept = new Set(documents.map(identityOf))
    for (const object of before === undefined ? [] : objectsOf(before))
      if (!kept.has(identityOfObject(object)) || before?.team !== team) remove(object)
    for (const document of documents) apply(document, team)
  }

  function perform(act: ManifestAct): void {
    switch (act.do) {
      case 'write': {
        // Nobody declares the same thing in two files on purpose.
        const isElsewhere = [...manifests].some(
          ([file, { documents }]) =>
            file !== act.file &&
            documents.some((one) => act.documents.some((other) => identityOf(one) === identityOf(other))),
        )
        if (!isElsewhere) write(act.file, act.documents, 'team-a')
        return
      }
      case 'duplicate':
        write(act.file, act.documents, 'team-b')
        return
      case 'delete namespace':
        kubectl.removeNamespace(act.team)
        return
    }
    const manifest = manifests.get(act.file)
    if (act.do === 'remove') manifests.delete(act.file)
    for (const object of manifest === undefined ? lastOf(act.file) : objectsOf(manifest)) {
      // Which of two objects follows a third one at the same moment is nobody's business.
      const isOneOfTwo = all().some(
        (each) => each !== object && identityOfObject(each) === identityOfObject(object),
      )
      if (act.do === 'remove') remove(object)
      else if (isOneOfTwo && (act.to === 'let go' || act.to === 'replaced')) continue
      else if (act.to === 'let go') letGo(object)
      else if (act.to === 'touched') annotate(object, annotations.reconcileAt, `${nowMs()}`)
      else if (act.to === 'released') annotate(object, annotations.release, 'retain')
      else if (act.to === 'confirmed') {
        const { deletionTimestamp } = object.metadata
        if (typeof deletionTimestamp === 'string')
          annotate(object, annotations.confirmDelete, deletionTimestamp)
      } else {
        remove(object)
        letGo(object)
        const document = documentOf(object)
        if (document !== undefined) apply(document, object.metadata.namespace as Team)
      }
    }
  }

  /** A file that is removed had its objects, and some may still be ending. */
  function lastOf(file: string): StoredObject[] {
    const name = file.replace(/\.yaml$/, '')
    return all().filter(({ metadata }) => metadata.name === name && metadata.namespace === 'team-a')
  }

  return {
    perform,
    /** Whether some manifest has the object. */
    has: ({ kind, metadata: { namespace, name } }: StoredObject): boolean =>
      [...manifests.values()].some(
        ({ team, documents }) =>
          team === namespace && documents.some((each) => each.kind === kind && each.name === name),
      ),
    /** What is missing is made again, as a controller of manifests does. */
    applyAll() {
      for (const { team, documents } of manifests.values())
        for (const document of documents)
          if (find(document.kind, team, document.name) === undefined) apply(document, team)
    },
    setSuspended(name: string, isSuspended: boolean) {
      for (const [file, { team, documents }] of manifests) {
        if (!documents.some((each) => each.kind === 'Volume' && each.name === name)) continue
        const changed = documents.map((each) =>
          each.kind === 'Volume' && each.name === name ? { ...each, isSuspended } : each,
        )
        write(file, changed, team)
      }
    },
  }
}

export type Manifests = ReturnType<typeof createManifests>
