"""Mark the tasks that only move others along, and note which run each task is for: lists begin
without the ones and are grouped by the other."""


def migrate(cr, version):
    if not version:
        return
    cr.execute("UPDATE billing_task_type SET is_machine = TRUE WHERE code = 'run_advance'")
    cr.execute(
        """
        UPDATE billing_task task
           SET run_id = run.id
          FROM billing_run run
         WHERE task.res_model = 'billing.run' AND task.res_id = run.id AND task.run_id IS NULL
        """
    )
