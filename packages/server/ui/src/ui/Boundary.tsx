import { Component, type ReactNode } from "react";
import { Failed } from "./States";

/** A fault of ours in one page says so there; the rest of the window goes on. */
export class Boundary extends Component<{ children: ReactNode; what?: string }, { error: Error | null }> {
  override state = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    const what = this.props.what ?? "This page cannot be shown";
    return <Failed what={what} error={error} onRetry={() => this.setState({ error: null })} />;
  }
}
