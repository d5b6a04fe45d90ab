/** The consoles of Node, Bun and Deno call the method with this name. */
export const inspectedBy: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never
