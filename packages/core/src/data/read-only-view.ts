import type { Refuse } from './lazy-object.ts'
import { refuseMethods } from './built-in-mutators.ts'
import { propertyName } from './value.ts'

/**
 * A view of session data in which every change throws through `refuse`, even in sloppy mode: assigning, adding and
 * deleting keys at any depth, and the mutating methods of arrays, Maps, Sets and Dates. Its objects and arrays are
 * proxies of copies, so `structuredClone` rejects them. A key is copied when first read.
 */
export function createView(data: object, refuse: Refuse): object {
  const viewer = new Viewer(refuse)
  const target = Object.create(Object.getPrototypeOf(data) as object | null) as object
  for (const key of Object.keys(data)) {
    let read: { readonly value: unknown } | undefined
    Object.defineProperty(target, key, {
      get: () => (read ??= { value: viewer.view((data as Values)[key], [key]) }).value,
      enumerable: true,
      configurable: true,
    })
  }
  return viewer.protect(target, [])
}

type Values = Record<string, unknown>
type Path = readonly PropertyKey[]

class Viewer {
  readonly #refuse: Refuse
  /** Also handles cycles. */
  readonly #views = new Map<object, object>()

  constructor(refuse: Refuse) {
    this.#refuse = refuse
  }

  view(value: unknown, path: Path): unknown {
    if (typeof value !== 'object' || value === null) return value
    return this.#views.get(value) ?? this.#make(value, path)
  }

  #make(value: object, path: Path): object {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (Array.isArray(value)) return this.#fill(value, [], path)
    if (prototype === Object.prototype || prototype === null) {
      return this.#fill(value, Object.create(prototype) as object, path)
    }
    const copy = this.#copyBuiltIn(value, path)
    if (copy === null) return value
    refuseMethods(copy, () => nameOf(path), this.#refuse)
    return copy
  }

  #fill(value: object, copy: object, path: Path): object {
    const view = this.protect(copy, path)
    this.#views.set(value, view)
    for (const key of Object.keys(value)) {
      Object.defineProperty(copy, key, {
        value: this.view((value as Values)[key], [...path, key]),
        writable: true,
        enumerable: true,
        configurable: true,
      })
    }
    return view
  }

  #copyBuiltIn(value: object, path: Path): object | null {
    switch (Object.getPrototypeOf(value)) {
      case Date.prototype:
        return new Date(value as Date)
      case Uint8Array.prototype:
        return (value as Uint8Array).slice()
      case Map.prototype: {
        const entries = [...(value as ReadonlyMap<unknown, unknown>)]
        return new Map(entries.map(([key, item]) => [this.view(key, path), this.view(item, path)]))
      }
      case Set.prototype:
        return new Set([...(value as ReadonlySet<unknown>)].map((item) => this.view(item, path)))
      default:
        return null
    }
  }

  protect(target: object, path: Path): object {
    const stop = (what: string, key: PropertyKey): never =>
      this.#refuse(`${what} ${nameOf([...path, key])}`)
    return new Proxy(target, {
      set: (_target, key) => stop('Assigning', key),
      deleteProperty: (_target, key) => stop('Deleting', key),
      defineProperty: (_target, key, descriptor) =>
        isChange(target, key, descriptor)
          ? stop('Defining', key)
          : Reflect.defineProperty(target, key, descriptor),
      setPrototypeOf: () => this.#refuse(`Changing the prototype of ${nameOf(path)}`),
    })
  }
}

/** `Object.freeze` of a view is not a change, because it does not set values. */
function isChange(target: object, key: PropertyKey, descriptor: PropertyDescriptor): boolean {
  return !Object.hasOwn(target, key) || ['value', 'get', 'set'].some((field) => field in descriptor)
}

function nameOf(path: Path): string {
  return `session.data${path.map(stepOf).join('')}`
}

function stepOf(key: PropertyKey): string {
  const text = String(key)
  return /^(?:0|[1-9]\d*)$/.test(text) ? `[${text}]` : propertyName(text)
}
